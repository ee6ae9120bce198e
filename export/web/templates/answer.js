// Answer: the class, its cost, and the times of the three variants.
import { showBars } from "./bars.js";
import { WAYS } from "./networks.js";
import { count } from "./route.js";

const $ = (id) => document.getElementById(id);
const SHOWN = 3;
const percent = (share) => `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)} %`;

/** Returns milliseconds as people read them. */
export const inMs = (ms) => `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;

/** Sets an element to a text and a smaller one below. */
function setFigure(id, text, small) {
  const below = document.createElement("small");
  below.textContent = small;
  $(id).replaceChildren(text, below);
}

function setTime(ms) {
  setFigure("milliseconds", inMs(ms), "one thread, median");
}

/**
 * Shows what the routed network returned.
 * @param content `network.json`.
 * @param result Outputs of the network, and its `milliseconds`.
 * @param label The image's true class, or null.
 */
export function showAnswer(content, result, label) {
  const { labels, macs, graphs } = content;
  const best = [...result.probabilities.keys()].sort((a, b) => result.probabilities[b] - result.probabilities[a]);
  $("class").textContent = labels[best[0]];
  $("probability").textContent = percent(result.probabilities[best[0]]);
  $("truth").textContent = label === null ? "" : label === labels[best[0]] ? "✓ right" : `✗ it is: ${label}`;
  showBars($("classes"), best.slice(0, SHOWN).map((index) => {
    const share = result.probabilities[index];
    return { name: labels[index], share, number: percent(share) };
  }));
  const [ran] = result.macs;
  setTime(result.milliseconds);
  setFigure("macs", count(ran), `${percent(ran / macs.all_branches)} of ${count(macs.all_branches)}`);
  const used = result.route.filter((weight) => weight !== 0).length;
  setFigure("branches", `${used}`, `of ${result.route.length}`);
  const part = graphs.length > 1 ? `${graphs.length} cells` : `${graphs[0].edges.length} blocks or cells`;
  $("route_text").textContent =
    `Each line is a branch; those that run for this image are coloured. ` +
    `${used} of ${result.route.length} run, in ${part}. The rest of the network takes ${count(macs.always)} MACs.`;
}

/** Says that the variants are still to come. */
export function waiting() {
  showBars($("ways"), Object.values(WAYS).map((name) => ({ name, share: 0, number: "…" })));
}

/** Shows the median ms of each variant. */
export function showWays(times) {
  setTime(times.routed); // Steadier than what was measured at once.
  const most = Math.max(...Object.values(times));
  showBars($("ways"), Object.entries(times).map(([variant, ms]) => ({
    name: WAYS[variant],
    share: ms / most,
    number: inMs(ms),
  })));
}
