// Networks: the three files of the same network, and how they are run and timed.
import { fetchBytes, loadRuntime, Network } from "./runtime.js";
import { clockStep, median, timeNetwork } from "./timing.js";

export const WAYS = { routed: "routed", all_branches: "all branches", fixed: "fixed route" };
const RUNS = 9; // Of each network each time that it is timed.
const ROUNDS = 5; // In each of which all networks are timed in turn.

/** The network in its three variants, the routed one first. */
export class Networks {
  static async load(content) {
    const build = await loadRuntime();
    const networks = new Networks(content, build);
    await networks.add("routed");
    return networks;
  }

  constructor(content, build) {
    Object.assign(this, { content, build, variants: {}, step: clockStep(), pending: Promise.resolve() });
  }

  /** Loads the file of a variant. */
  async add(variant) {
    const { file, sha256 } = this.content.models[variant];
    const bytes = await fetchBytes(file);
    if (crypto.subtle) { // Only on secure pages.
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      const text = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      if (text !== sha256) throw new Error(`${file} is not the file that was exported. Export the page again.`);
    }
    try {
      this.variants[variant] = await Network.load(bytes);
    } catch (error) {
      throw new Error(`${file} cannot be run: ${error.message ?? error}`);
    }
  }

  /** Runs tasks one after the other, because they share a processor. */
  inTurn(task) {
    const result = this.pending.then(task);
    this.pending = result.catch(() => {});
    return result;
  }

  set(pixels, threshold) {
    for (const network of Object.values(this.variants)) network.set("image", pixels);
    if (this.content.threshold.is_input) this.variants.routed.set("threshold", [threshold]);
  }

  /** Classifies an image by the routed network; returns its outputs and its ms. */
  classify(pixels, threshold) {
    return this.inTurn(async () => {
      this.set(pixels, threshold);
      const outputs = await this.variants.routed.run();
      return { ...outputs, milliseconds: await timeNetwork(this.variants.routed, RUNS, this.step) };
    });
  }

  /**
   * Times all variants on an image, in turn.
   * @param isWanted Function that returns whether the result is still of use.
   * @return Median ms by variant, or null if it was of no more use.
   */
  compare(pixels, threshold, isWanted, rounds = ROUNDS) {
    return this.inTurn(async () => {
      this.set(pixels, threshold);
      const times = {};
      for (let round = 0; round < rounds; round++) {
        for (const [variant, network] of Object.entries(this.variants)) {
          if (!isWanted()) return null;
          (times[variant] ??= []).push(await timeNetwork(network, RUNS, this.step));
        }
        await new Promise((resolve) => setTimeout(resolve)); // The page stays usable.
      }
      return Object.fromEntries(Object.entries(times).map(([v, values]) => [v, median(values)]));
    });
  }
}
