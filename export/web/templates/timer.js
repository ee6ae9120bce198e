// Timer: times all test images, and draws how their times are spread.
import { inMs } from "./answer.js";
import { drawHistogram } from "./histogram.js";
import { WAYS } from "./networks.js";
import { pixelsOf } from "./pictures.js";
import { median } from "./timing.js";

const $ = (id) => document.getElementById(id);

/** Times the routed network on every test image, and the others on a few. */
export class Timer {
  constructor(content, networks, sheet) {
    Object.assign(this, { content, networks, sheet, isBusy: false });
  }

  /** Says that the histogram is of another T. */
  markOld() {
    if (this.threshold !== undefined) this.say(`The times below are at T=${this.threshold}.`);
  }

  say(text) {
    $("measured").textContent = text;
  }

  async measure({ threshold }) {
    if (this.isBusy) return;
    this.isBusy = $("measure").disabled = true;
    try {
      const { items } = this.content.images;
      const times = { routed: [], all_branches: [], fixed: [] };
      for (let index = 0; index < items.length; index++) {
        this.say(`image ${index + 1} of ${items.length} …`);
        const pixels = pixelsOf(this.sheet.canvas(index), this.content.input);
        const found = await this.networks.compare(pixels, threshold, () => true, 2);
        for (const [variant, ms] of Object.entries(found)) times[variant].push(ms);
      }
      const marks = ["all_branches", "fixed"].filter((variant) => times[variant].length);
      drawHistogram($("histogram"), times.routed, marks.map((variant) => ({
        name: WAYS[variant],
        ms: median(times[variant]),
        kind: variant,
      })));
      this.threshold = Number(threshold.toFixed(4));
      const text = [...Object.entries(times)].filter(([, all]) => all.length);
      const medians = text.map(([variant, all]) => `${WAYS[variant]} ${inMs(median(all))}`).join(", ");
      this.say(`Medians of ${items.length} images at T=${this.threshold}: ${medians}.`);
    } finally {
      this.isBusy = $("measure").disabled = false;
    }
  }
}
