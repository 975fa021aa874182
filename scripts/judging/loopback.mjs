// Preloaded into a JavaScript suite: requests to other machines are answered 403, so that a case which needs one fails
// in the same way with and without a connection.
const outside = globalThis.fetch;

globalThis.fetch = (input, init) => {
  const { hostname } = new URL(input instanceof Request ? input.url : input);
  return ["127.0.0.1", "localhost", "[::1]"].includes(hostname)
    ? outside(input, init)
    : Promise.resolve(new Response("no other machine is asked", { status: 403 }));
};
