// Times the networks that the server names, one after the other, and posts their times.
import { fetchBytes, loadRuntime, Network, supportsThreads } from "./runtime.js";
import { clockStep, timeNetwork } from "./timing.js";

const $ = (id) => document.getElementById(id);
const page = crypto.getRandomValues(new Uint32Array(2)).join("-"); // Of several pages, the last counts.
const bytes = new Map(); // The files that were fetched.
const step = clockStep();
let count = 0;
let loaded = null; // The network that ran last, and its file.

const say = (text) => { $("state").textContent = text; };

async function post(name, content) {
  const body = JSON.stringify({ page, ...content });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(name, { method: "POST", headers, body });
  if (!response.ok) throw new Error((await response.text()) || `${response.status}`);
  return response.json();
}

/** Returns what the table says of this browser. */
async function describe(build) {
  const cores = navigator.hardwareConcurrency ?? null;
  return {
    user_agent: navigator.userAgent,
    platform: navigator.userAgentData?.platform || navigator.platform || "",
    cores,
    most_threads: (await supportsThreads()) ? cores : 1,
    isolated: self.crossOriginIsolated,
    clock_step_us: Number((1000 * step).toPrecision(1)),
    build,
  };
}

/** Returns the numbers of an input, which are base64 of its bytes. */
function decode({ dtype, base64 }) {
  const raw = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return dtype === "uint8" ? raw : new Float32Array(raw.buffer);
}

/** Loads a file anew, unless it ran last: its place in memory decides on its time. */
async function load({ file, threads }) {
  if (loaded?.file === file) return loaded.network;
  loaded?.network.delete();
  loaded = null;
  if (!bytes.has(file)) bytes.set(file, await fetchBytes(file));
  loaded = { file, network: await Network.load(bytes.get(file), threads) };
  return loaded.network;
}

async function work(job) {
  say(`timing ${job.name}`);
  try {
    const network = await load(job);
    for (const name of Object.keys(job.inputs)) {
      if (!network.tensors[name]) throw new Error(`${job.file} has no input ${name}`);
    }
    for (const name of Object.keys(network.tensors)) {
      const input = job.inputs[name];
      network.set(name, input ? decode(input) : new Array(network.tensors[name].size).fill(0));
    }
    const milliseconds = await timeNetwork(network, job.runs, step);
    await post("result", { id: job.id, milliseconds });
  } catch (error) {
    await post("result", { id: job.id, error: String(error.message ?? error).slice(0, 500) });
  }
  $("done").textContent = `${++count} timed`;
}

async function main() {
  const { threads } = await (await fetch("settings.json")).json();
  if (threads > 1 && !(await supportsThreads())) {
    await post("hello", { ...(await describe("none")) });
    throw new Error(`This browser has no threads on this page: leave out --num_threads=${threads}.`);
  }
  const build = await loadRuntime(threads);
  const browser = await describe(build);
  $("browser").textContent = `${browser.user_agent}; ${browser.cores} cores; ${build}`;
  navigator.wakeLock?.request("screen").catch(() => {}); // On secure pages only.
  await post("hello", browser);
  say("waiting for the first network");
  for (;;) {
    const job = await post("next", {});
    if (job.end) break;
    if (job.id !== undefined) await work(job);
  }
  say("Done. This page may be closed.");
}

main().catch((error) => say(`Ended: ${error.message ?? error}`));
