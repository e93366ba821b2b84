/**
 * Makes a release of what stands under `## Unreleased`: it gets the version and the date as its heading, and an empty
 * `## Unreleased` goes above it. Throws where there is nothing to release, or the version is there already.
 * @param {string} text CHANGELOG.md
 * @param {string} version
 * @param {string} date `2026-11-27`
 * @returns {string}
 */
export function released(text, version, date) {
  if (sectionOf(text, version) !== undefined)
    throw new Error(`CHANGELOG.md has a section ${version} already`);
  if (!sectionOf(text, 'Unreleased')) throw new Error('CHANGELOG.md has nothing under "## Unreleased"');
  return text.replace('## Unreleased\n', `## Unreleased\n\n## ${version} (${date})\n`);
}

/**
 * What a section says, trimmed; undefined where there is none.
 * @param {string} text CHANGELOG.md
 * @param {string} name a version, or `Unreleased`
 */
export function sectionOf(text, name) {
  const sections = text.split(/^## /m).slice(1);
  const found = sections.find((section) => section.split(/[ \n]/, 1)[0] === name);
  return found?.slice(found.indexOf('\n')).trim();
}
