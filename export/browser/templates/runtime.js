// Runs `.tflite` files by LiteRT.js, on the processor.
import { loadAndCompile, loadLiteRt, supportsFeature, Tensor } from "./litert/core.js";

const ARRAYS = { uint8: Uint8Array, int8: Int8Array, int32: Int32Array, float32: Float32Array };

/** Fetches a file, and unpacks it if it is compressed: few servers of files compress. */
export async function fetchBytes(address) {
  const response = await fetch(address);
  if (!response.ok) {
    throw new Error(`${address} cannot be loaded: ${response.status} ${response.statusText}`);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isPacked) return bytes; // Or the server said that it is compressed.
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  try {
    return new Uint8Array(await new Response(unpacked).arrayBuffer());
  } catch {
    throw new Error(`${address} is damaged: load the page again, or export it again.`);
  }
}

/**
 * Loads LiteRT.js once.
 * @param threads Number of threads; more than one needs cross-origin isolation.
 * @return The name of its build.
 */
export async function loadRuntime(threads = 1) {
  if (typeof WebAssembly !== "object" || typeof DecompressionStream !== "function") {
    throw new Error("This browser is too old: it lacks WebAssembly or DecompressionStream.");
  }
  const relaxed = await supportsFeature("relaxedSimd");
  let build = relaxed ? "relaxed" : "compat";
  if (threads > 1) {
    if (!(await supportsThreads())) throw new Error("This browser has no threads on this page.");
    build = "threaded";
  }
  const [code, binary] = await Promise.all(
    [".js.gz", ".wasm.gz"].map((ending) => fetchBytes(`litert/${build}${ending}`)),
  );
  // LiteRT prints a line for some runs, which takes longer than the run.
  self.Module = { wasmBinary: binary, print() {}, printErr() {} };
  const script = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  if (threads > 1) self.Module.mainScriptUrlOrBlob = script;
  // It asks for a GPU, which a routed file cannot use, and warns if there is none.
  const nothing = { requestDevice: async () => null, limits: {}, features: new Set() };
  const gpu = { value: { requestAdapter: async () => nothing }, configurable: true };
  Object.defineProperty(navigator, "gpu", gpu);
  try {
    await loadLiteRt(`${script}#litert.js`); // It wants a name that ends so.
  } finally {
    delete navigator.gpu;
    if (threads === 1) URL.revokeObjectURL(script);
  }
  return build;
}

/** Returns whether the page may use several threads. */
export async function supportsThreads() {
  const shared = self.crossOriginIsolated && typeof SharedArrayBuffer === "function";
  return shared && (await supportsFeature("relaxedSimd")) && supportsFeature("threads");
}

/** A network in a `.tflite` file. */
export class Network {
  /** Loads a file: its bytes, and a number of threads. */
  static async load(bytes, threads = 1) {
    const options = { accelerator: "wasm", cpuOptions: { numThreads: threads } };
    return new Network(await loadAndCompile(bytes, options));
  }

  constructor(compiled) {
    this.compiled = compiled;
    this.tensors = {};
    for (const { name, dtype, shape } of compiled.getInputDetails()) {
      const size = shape.reduce((product, length) => product * length, 1);
      this.tensors[name] = { dtype, shape: [...shape], size, tensor: null };
      this.set(name, new Array(size).fill(0));
    }
  }

  /** Sets an input; it keeps its values for all later runs. */
  set(name, values) {
    const input = this.tensors[name];
    if (!input) throw new Error(`The network has no input ${name}.`);
    if (values.length !== input.size) {
      throw new Error(`The input ${name} has ${input.size} numbers; got ${values.length}.`);
    }
    input.tensor?.delete();
    input.tensor = new Tensor(ARRAYS[input.dtype].from(values), input.shape);
  }

  get inputs() {
    return Object.fromEntries(Object.entries(this.tensors).map(([n, { tensor }]) => [n, tensor]));
  }

  /** Runs the network, and returns its outputs: typed arrays by name. */
  async run() {
    const outputs = await this.compiled.run(this.inputs);
    const arrays = {};
    for (const [name, tensor] of Object.entries(outputs)) {
      arrays[name] = tensor.toTypedArray();
      tensor.delete();
    }
    return arrays;
  }

  /** Runs the network a number of times, and returns the ms of all of them together. */
  async time(count) {
    const { compiled, inputs } = this;
    const start = performance.now();
    for (let index = 0; index < count; index++) {
      const outputs = await compiled.run(inputs);
      for (const name in outputs) outputs[name].delete();
    }
    return performance.now() - start;
  }

  delete() {
    for (const { tensor } of Object.values(this.tensors)) tensor?.delete();
    this.compiled.delete();
  }
}
