// How figures are written: the same on every machine, whatever its locale.

/** Digits in groups of three, `1,234.5`. */
export function grouped(value: number, decimals = 0): string {
  const [whole, fraction] = value.toFixed(decimals).split('.');
  const spaced = whole!.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

/** 0.88812 -> `88.81 %`; a dash for what is not known. */
export function percentage(fraction: number, decimals = 2): string {
  return Number.isFinite(fraction) ? `${(fraction * 100).toFixed(decimals)} %` : '–';
}

/** `0.85 s`, `12.9 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** A cost to two decimals, or more where those would hide it. */
export function costText(cost: number): string {
  if (!Number.isFinite(cost)) return '–';
  return Math.abs(cost) >= 1 || cost === 0 ? grouped(cost, 2) : String(Number(cost.toPrecision(3)));
}

/** A learning rate: three digits that count. */
export function rateText(rate: number): string {
  return Number.isFinite(rate) ? String(Number(rate.toPrecision(3))) : '–';
}
