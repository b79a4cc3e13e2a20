// Where an entry stands in the day calendar. A day is 24 hours in steps of five minutes; the server says which step
// an entry starts at and how many it lasts, as classes, because style attributes are forbidden.
const STEPS = 24 * 12;
const LANES = 4;
const GROUP = 6; // columns of a day in a week
const COLUMNS = 7 * GROUP;

/** @returns {string} rules `.at-N` (first step), `.for-N` (number of steps), `.lane-N-of-M` (side by side). */
export function calendarRows() {
  const rules = [];
  for (let step = 0; step < STEPS; step += 1) rules.push(`.at-${step}{--at:${step}}`);
  for (let steps = 1; steps <= STEPS; steps += 1) rules.push(`.for-${steps}{--for:${steps}}`);
  for (let lanes = 2; lanes <= LANES; lanes += 1) {
    for (let lane = 1; lane <= lanes; lane += 1) rules.push(`.lane-${lane}-of-${lanes}{--lane:${lane - 1};--lanes:${lanes}}`);
  }
  for (let hour = 0; hour < 24; hour += 1) rules.push(`.from-${hour * 12}{--from:${hour * 12}}`);
  for (let count = 1; count <= COLUMNS; count += 1) rules.push(`.columns-${count}{--columns:${count}}`);
  for (let count = 1; count <= GROUP; count += 1) rules.push(`.spans-${count}{--spans:${count}}`);
  return rules.join("\n");
}
