// The page: connects what a person does with the network and the drawings.
import { Camera } from "./camera.js";
import { Networks } from "./networks.js";
import { pixelsOf, readFile, Sheet, cropped } from "./pictures.js";
import { RouteDrawing } from "./route.js";
import { about, showStatus } from "./status.js";
import { Timer } from "./timer.js";
import { showAnswer, showWays, waiting } from "./answer.js";

const $ = (id) => document.getElementById(id);
const state = { canvas: null, index: null, threshold: 1, request: 0, name: "" };
let content, networks, sheet, drawing, timer;
const camera = new Camera($("video"));

function showProblem(error) {
  $("problem").textContent = error?.message ?? String(error);
  $("problem").hidden = false;
}

/** Runs a function of an event; what goes wrong is said on the page. */
const guarded = (task) => async (event) => {
  try {
    $("problem").hidden = true;
    await task(event);
  } catch (error) {
    showProblem(error);
  }
};

/** Classifies the current image at the current T, and shows everything that follows. */
async function update({ compare = true } = {}) {
  if (!state.canvas || !networks) return;
  const request = ++state.request;
  const isWanted = () => request === state.request;
  const pixels = pixelsOf(state.canvas, content.input);
  // What was asked for while the network was busy is done once, for the last of them.
  await networks.pending;
  if (!isWanted()) return;
  const result = await networks.classify(pixels, state.threshold);
  const label = state.index === null ? null : content.images.items[state.index].label;
  showAnswer(content, result, label);
  const lines = drawing.show(result.route);
  $("route_list").replaceChildren(
    ...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
  );
  if (!compare || Object.keys(networks.variants).length < 2) return;
  const times = await networks.compare(pixels, state.threshold, isWanted);
  if (times) showWays(times);
}

/** Makes a picture the current one. */
function take(canvas, index, name) {
  const shown = $("picture");
  [shown.width, shown.height] = [canvas.width, canvas.height];
  shown.getContext("2d").drawImage(canvas, 0, 0);
  shown.setAttribute("aria-label", name);
  $("what").textContent = name;
  for (const button of $("sheet").children) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.index) === index));
  }
  Object.assign(state, { canvas, index, name });
}

async function takeTestImage(index) {
  stopCamera();
  const { items } = content.images;
  const place = index === 0 ? ", the easiest" : index === items.length - 1 ? ", the hardest" : "";
  take(sheet.canvas(index), index, `Test image ${index + 1} of ${items.length}${place}`);
  await update();
}

async function takeFile(file) {
  if (!file) return;
  const canvas = await readFile(file, content.input);
  stopCamera();
  take(canvas, null, `Your image ${file.name ?? ""}`.trim());
  await update();
}

function stopCamera() {
  camera.stop();
  $("camera").setAttribute("aria-pressed", "false");
  $("video").hidden = true;
  $("picture").hidden = false;
}

async function toggleCamera() {
  if (camera.isOn) return stopCamera();
  await camera.start();
  $("camera").setAttribute("aria-pressed", "true");
  $("video").hidden = false;
  $("picture").hidden = true;
  const [height, width] = content.input.shape;
  let frames = 0;
  while (camera.isOn) {
    const { video } = camera;
    take(cropped(video, [video.videoWidth, video.videoHeight], [width, height]), null, "Camera");
    await update({ compare: frames++ % 20 === 0 });
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

function fillSheet() {
  $("sheet").replaceChildren(
    ...content.images.items.map((item, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.index = index;
      button.title = item.label ?? "noise";
      button.setAttribute("aria-label", `Test image ${index + 1}: ${item.label ?? "noise"}`);
      button.setAttribute("aria-pressed", "false");
      const picture = document.createElement("span");
      picture.style.cssText = sheet.background(index);
      button.append(picture);
      button.addEventListener("click", guarded(() => takeTestImage(index)));
      return button;
    }),
  );
}

function setThreshold(value, fromSlider) {
  state.threshold = value;
  if (!fromSlider) $("threshold").value = value;
  $("t").textContent = Number(value.toFixed(4));
  timer?.markOld();
}

function prepareThreshold() {
  const { value, is_input, has_routers } = content.threshold;
  setThreshold(value, false);
  if (is_input) return;
  for (const id of ["threshold", "reset"]) $(id).disabled = true;
  $("no_threshold").hidden = false;
  $("no_threshold").textContent = has_routers
    ? "T is fixed in this file: export the page without --nothreshold_input to move it."
    : "This network has no routers: every image takes the same branches.";
}

function connect() {
  const { items } = content.images;
  $("easiest").addEventListener("click", guarded(() => takeTestImage(0)));
  $("hardest").addEventListener("click", guarded(() => takeTestImage(items.length - 1)));
  $("surprise").addEventListener("click", guarded(() => {
    const step = 1 + Math.floor(Math.random() * (items.length - 1));
    return takeTestImage(((state.index ?? 0) + step) % items.length); // Another one.
  }));
  $("file").addEventListener("change", guarded(async (event) => {
    const [file] = event.target.files;
    event.target.value = ""; // The same file may be chosen again.
    await takeFile(file);
  }));
  $("camera").addEventListener("click", guarded(toggleCamera));
  $("threshold").addEventListener("input", guarded(async (event) => {
    setThreshold(Number(event.target.value), true);
    await update();
  }));
  $("reset").addEventListener("click", guarded(async () => {
    setThreshold(content.threshold.value, false);
    await update();
  }));
  $("measure").addEventListener("click", guarded(() => timer.measure(state)));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
  addEventListener("dragleave", () => $("drop").classList.remove("over"));
  addEventListener("drop", guarded(async (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (!file) throw new Error("What was dropped is no file: drop an image file.");
    await takeFile(file);
  }));
  addEventListener("paste", guarded((event) => takeFile(event.clipboardData?.files[0])));
}

async function start() {
  const response = await fetch("network.json");
  if (!response.ok) throw new Error(`network.json cannot be loaded: ${response.status}`);
  content = await response.json();
  about(content);
  sheet = await Sheet.load(content.images, content.input);
  drawing = new RouteDrawing(content.graphs, $("graphs"), $("legend"));
  fillSheet();
  $("all").open = matchMedia("(min-width: 50rem)").matches; // On a phone it hides the answer.
  prepareThreshold();
  take(sheet.canvas(0), 0, `Test image 1 of ${content.images.items.length}, the easiest`);
  networks = await Networks.load(content);
  timer = new Timer(content, networks, sheet);
  connect();
  await update();
  $("main").setAttribute("aria-busy", "false");
  document.documentElement.dataset.ready = "answer";
  waiting();
  for (const variant of ["all_branches", "fixed"]) await networks.inTurn(() => networks.add(variant));
  await update();
  await showStatus(networks);
  document.documentElement.dataset.ready = "all";
}

addEventListener("unhandledrejection", (event) => showProblem(event.reason));
start().catch((error) => {
  showProblem(error);
  $("what").textContent = "The network could not be loaded.";
  document.documentElement.dataset.ready = "failed";
});
