// The models that are installed here, which of them the nodes run, and what was proven of each.

import { element } from "./parts.js";
import { request } from "./problem.js";

const AGAIN_MS = 60_000;
const place = document.getElementById("models");
let asked = "";

// Asks the bridge when nodes run something else than before.
export function showActive(active) {
  const key = JSON.stringify(active);
  if (key === asked) return;
  asked = key;
  load();
}

export function startModels() {
  setInterval(() => document.hidden || load(), AGAIN_MS);
}

async function load() {
  try {
    draw(await request("/v1/models"));
  } catch (error) {
    asked = "";
    place.replaceChildren(element("li", { class: "problem" }, `The models cannot be shown. ${error.message}`));
  }
}

function draw(models) {
  const key = JSON.stringify([models.installed, models.unusable, models.active]);
  if (place.dataset.key === key) return; // what is open stays open
  place.dataset.key = key;
  const strange = models.active.filter(({ digest }) => !models.installed.some((model) => runs(model, digest)));
  place.replaceChildren(
    ...models.installed.map((model) => installed(model, models.active)),
    ...strange.map(({ node, name, version }) => row(`${name} ${version}`, "warn", `active on ${node}, not installed here`)),
    ...models.unusable.map(({ file, message }) => row(file, "error", `unusable: ${message}`)),
  );
}

const runs = (model, digest) => digest && model.digest.startsWith(digest);

function installed(model, active) {
  const nodes = active.filter(({ digest }) => runs(model, digest));
  const what = [nodes.length ? `active on ${nodes.map(named).join(", ")}` : "installed", model.configured && "orders follow it"];
  return row(`${model.name} ${model.version}`, model.proof.passed ? "ok" : "error", what.filter(Boolean).join(", "), proof(model));
}

const named = ({ node, precision }) => (precision ? `${node} (${precision})` : node);

function row(name, state, says, ...more) {
  return element("li", { "data-state": state }, element("span", { class: "dot" }), element("span", { class: "name" }, name),
    element("span", { class: "says" }, says), ...more);
}

function proof({ digest, proof: { passed, simulated, gates } }) {
  const met = gates.filter((gate) => gate.passed).length;
  const rows = gates.map((gate) => element("li", { "data-state": gate.passed ? "ok" : "error" }, element("span", { class: "dot" }),
    element("span", {}, `${gate.name}: ${gate.got}, wanted ${gate.wanted}, ${gate.passed ? "passed" : "failed"}`)));
  return element("details", {},
    element("summary", {}, `Proof ${passed ? "passed" : "failed"}, ${met} of ${gates.length} gates`),
    element("p", {}, simulated ? "Proven in simulation, the whole loop." : "Its networks alone were looked at, without simulation."),
    element("ul", {}, ...rows), element("p", {}, "Digest ", element("code", {}, digest)));
}
