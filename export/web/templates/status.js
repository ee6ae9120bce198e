// Status: what the page is about, and what this browser gives it.
import { count } from "./route.js";

const $ = (id) => document.getElementById(id);
const PATIENCE = 15_000; // Milliseconds for the worker that keeps the page for offline.

/** Shows what the page is about. */
export function about(content) {
  const { name, run, family, trained, accuracy, macs, images, labels, dataset, versions } = content;
  document.title = `${run}: a routed network`;
  $("title").textContent = run;
  const article = /^[AEIO]/.test(family) ? "An" : "A";
  const kind = family === "Codebook" ? "A network with a codebook of routes" : `${article} ${family}`;
  const choose = content.threshold.has_routers
    ? "Routers choose, image by image, which of its branches run. The others are left out."
    : "It has no routers: every image runs the same branches.";
  $("lead").textContent = `${kind} for ${labels.length} classes that runs in this browser. ${choose}`;
  if (images.are_noise) $("choose").textContent = "Image (noise: the data were not there at the export)";
  const score = accuracy ? ` Accuracy at the T of the export: ${(100 * accuracy).toFixed(2)} % on ${dataset}.` : "";
  const random = trained ? "" : " Its weights are random: its classes mean nothing.";
  $("about").textContent =
    `${name}, ${count(macs.all_branches)} MACs with all branches.${score}${random} ` +
    `tfdyn ${versions.tfdyn}, LiteRT.js ${versions.litert_js} (Apache-2.0, litert/LICENSE). Images stay in this browser.`;
}

const BUILDS = { relaxed: "with relaxed SIMD", compat: "without relaxed SIMD" };

/** Shows what this browser gives the page, and keeps the page for offline. */
export async function showStatus(networks) {
  const step = networks.step * 1000;
  const clock = `Clock: steps of ${step < 1000 ? `${Math.round(step)} µs` : `${Math.round(step / 1000)} ms`}`;
  const parts = [`One thread of ${navigator.hardwareConcurrency ?? "?"} cores, LiteRT.js ${BUILDS[networks.build] ?? networks.build}`, clock];
  if (!self.crossOriginIsolated) parts.push("not isolated (a coarser clock; times are means of longer batches)");
  parts.push((await keepOffline(networks.build)) ? "works offline" : "needs its server (offline and camera need https:// or this machine)");
  $("status").textContent = `${parts.join("; ")}.`;
}

async function keepOffline(build) {
  if (!isSecureContext || !navigator.serviceWorker) return false;
  try {
    await navigator.serviceWorker.register("service_worker.js");
    // If there is no space for the files, it is never ready.
    const late = new Promise((_, reject) => setTimeout(reject, PATIENCE));
    const { active } = await Promise.race([navigator.serviceWorker.ready, late]);
    active.postMessage([`litert/${build}.js.gz`, `litert/${build}.wasm.gz`]);
    return true;
  } catch {
    return false; // As in a private window.
  }
}
