// Histogram: how the milliseconds of the test images are spread.
import { svgElement } from "./route.js";

// Longer times than so many medians are another program's. They are in the last bar.
const MOST = 2;
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [520, 190, 24, 34];

/**
 * Draws a histogram.
 * @param place Element for it.
 * @param times Milliseconds of each image.
 * @param marks Lines to compare with: `{name, ms, kind}`.
 */
export function drawHistogram(place, times, marks) {
  const sorted = [...times].sort((a, b) => a - b);
  const longest = Math.min(sorted.at(-1), MOST * sorted[sorted.length >> 1]);
  const ends = [sorted[0], longest, ...marks.map(({ ms }) => ms)];
  const [low, high] = [0.94 * Math.min(...ends), 1.04 * Math.max(...ends)];
  const bins = Math.min(20, Math.max(8, Math.round(times.length / 2)));
  const counts = new Array(bins).fill(0);
  for (const ms of times) counts[Math.min(bins - 1, Math.floor((bins * (ms - low)) / (high - low)))]++;
  const x = (ms) => LEFT + ((WIDTH - 2 * LEFT) * (ms - low)) / (high - low);
  const most = Math.max(...counts);
  const svg = svgElement("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + BOTTOM}`, role: "img" });
  const spread = `from ${sorted[0].toFixed(2)} to ${sorted.at(-1).toFixed(2)} ms`;
  svg.setAttribute("aria-label", `Histogram of the time of ${times.length} images, ${spread}`);
  counts.forEach((number, bin) => {
    if (!number) return;
    const height = ((HEIGHT - 62) * number) / most;
    const left = x(low + (bin * (high - low)) / bins);
    const width = (WIDTH - 2 * LEFT) / bins - 3;
    svg.append(svgElement("rect", { class: "bar", x: left + 1, y: HEIGHT - height, width, height, rx: 3 }));
    svg.append(svgElement("text", { class: "quiet-text", x: left + width / 2, y: HEIGHT - height - 5 }, String(number)));
  });
  svg.append(svgElement("line", { class: "axis", x1: LEFT, x2: WIDTH - LEFT, y1: HEIGHT, y2: HEIGHT }));
  for (let tick = 0; tick <= 4; tick++) {
    const ms = low + (tick * (high - low)) / 4;
    svg.append(svgElement("text", { class: "quiet-text", x: x(ms), y: HEIGHT + 20 }, `${ms.toFixed(2)} ms`));
  }
  marks.forEach(({ name, ms, kind }, index) => {
    const y = 14 + 18 * index;
    svg.append(svgElement("line", { class: `mark ${kind}`, x1: x(ms), x2: x(ms), y1: y + 5, y2: HEIGHT }));
    const anchor = x(ms) > WIDTH / 2 ? "end" : "start";
    const text = svgElement("text", { x: x(ms), y }, `${name} ${ms.toFixed(2)} ms`);
    text.style.textAnchor = anchor;
    svg.append(text);
  });
  place.replaceChildren(svg);
}
