// Keeps the page for offline, and gives it the headers of isolation on any server.
const CACHE = "tfdyn-" + "VERSION";
const FILES = ["FILES"];
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    // Other pages of this address may have caches of their own.
    for (const name of await caches.keys()) {
      if (name.startsWith("tfdyn-") && name !== CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

// The page names what it loaded before this worker served it: its build of LiteRT.js.
self.addEventListener("message", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(event.data)));
});

self.addEventListener("fetch", (event) => {
  const isOurs = new URL(event.request.url).origin === self.location.origin;
  if (isOurs && event.request.method === "GET") event.respondWith(answer(event.request));
});

// From the network where there is one, so that a page made anew is seen at once.
async function answer(request) {
  let response;
  try {
    response = await fetch(request);
  } catch (error) {
    response = await (await caches.open(CACHE)).match(request, { ignoreSearch: true });
    if (!response) throw error;
  }
  if (response.type === "opaque" || response.status === 304) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
