import { byId, setText } from './dom.js';
import { count, duration, percent, whole } from './format.js';
import { LineChart } from './line-chart.js';
import type { Session } from './session.js';

/** The figures, the bar, the plots and the buttons of the training that runs. */
export class TrainingView {
  readonly #start = byId('start', HTMLButtonElement);
  readonly #pause = byId('pause', HTMLButtonElement);
  readonly #stop = byId('stop', HTMLButtonElement);
  readonly #status = byId('status', HTMLElement);
  readonly #bar = byId('progress', HTMLProgressElement);
  readonly #barLabel = byId('progress-label', HTMLElement);
  readonly #figures = Object.fromEntries(
    (['accuracy', 'cost', 'speed', 'elapsed', 'remaining'] as const).map((name) => [
      name,
      byId(`figure-${name}`, HTMLElement),
    ]),
  ) as Record<'accuracy' | 'cost' | 'speed' | 'elapsed' | 'remaining', HTMLElement>;
  readonly #cost = new LineChart(byId('chart-cost', SVGSVGElement), {
    limits: { lower: 0, upper: Number.POSITIVE_INFINITY },
    label: (value, decimals) => value.toFixed(decimals),
  });
  readonly #accuracy = new LineChart(byId('chart-accuracy', SVGSVGElement), {
    limits: { lower: 0, upper: 1 },
    label: (value, decimals) => `${(100 * value).toFixed(Math.max(0, decimals - 2))} %`,
  });

  /** What the training is at, in a line that is read out. */
  say(text: string): void {
    setText(this.#status, text);
  }

  /** Before there is a session: how much of the data has come, a fraction. */
  loading(text: string, done: number | undefined): void {
    setText(this.#barLabel, text);
    if (done === undefined) this.#bar.removeAttribute('value');
    else this.#bar.value = done;
  }

  drawButtons({ phase, paused, model }: Session): void {
    const busy = phase === 'training' || phase === 'examining';
    setText(this.#start, busy || model ? 'Restart' : 'Start');
    this.#start.disabled = phase === 'starting';
    this.#pause.disabled = !busy;
    this.#stop.disabled = !busy;
    setText(this.#pause, paused ? 'Resume' : 'Pause');
    document.body.dataset['phase'] = paused ? 'paused' : phase;
  }

  draw(session: Session): void {
    const { record, exam } = session;
    const { accuracy, cost, speed, elapsed, remaining } = this.#figures;
    setText(accuracy, percent(exam.accuracy));
    setText(cost, record ? fixed(record.cost.mean) : '–');
    setText(speed, record ? whole(record.pace.speed) : '–');
    setText(elapsed, record ? duration(record.pace.elapsed) : '–');
    setText(remaining, record ? duration(record.pace.remaining) : '–');
    this.#drawBar(session);
    const epochs = record?.epochs ?? 1;
    this.#cost.draw([{ kind: 'train', points: record?.costs.points ?? [] }], epochs);
    this.#accuracy.draw(
      [
        { kind: 'train', points: record?.learnt.points ?? [] },
        { kind: 'test', points: record?.tested.points ?? [] },
        { kind: 'exact', points: record?.exact ?? [] },
      ],
      epochs,
    );
  }

  /** Once an epoch: what screen readers say of the plots. */
  describe({ record }: Session): void {
    const last = record?.exact.at(-1);
    if (!record || !last) return;
    const [first, now] = [record.costs.points[0], record.costs.points.at(-1)];
    this.#cost.describe(`Cost: from ${fixed(first?.y)} to ${fixed(now?.y)} after ${count(last.x, 'epoch')}`);
    const each = record.exact.map(({ x, y }) => `epoch ${x}: ${percent(y)}`).join(', ');
    this.#accuracy.describe(`Accuracy on the test pictures, ${each}`);
  }

  #drawBar({ phase, record, exam }: Session): void {
    if (phase === 'examining' && !record) {
      this.loading('Classifying the test pictures', undefined);
    } else if (record) {
      const doing = phase === 'examining' ? ', classifying the test pictures' : '';
      this.loading(`Epoch ${record.epoch} of ${record.epochs}${doing}`, record.position / record.epochs);
    } else if (phase === 'idle') {
      this.loading(exam.seen > 0 ? 'Weights from a file' : 'Not started', 0);
    }
  }
}

const fixed = (value = Number.NaN) => (Number.isFinite(value) ? value.toFixed(3) : '–');
