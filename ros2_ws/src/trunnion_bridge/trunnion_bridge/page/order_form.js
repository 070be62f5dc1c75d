// The order form: a stepper for each part, a bin, and one button that says what it will do.

import { announce } from "./announce.js";
import { element, inWords, partIndex } from "./parts.js";
import { request } from "./problem.js";
import { mayNot } from "./session.js";
import { bridgeNow } from "./when.js";

const form = document.getElementById("form");
const parts = document.getElementById("parts");
const bins = document.getElementById("bins");
const submit = document.getElementById("submit");
const problem = document.getElementById("problem");
const refused = document.getElementById("order-refused");
const within = document.getElementById("within");
let most = 0;
let made = "";
let isPlacing = false;

export function buildForm(bundle) {
  const refusal = mayNot("operator");
  form.hidden = Boolean(refusal);
  refused.textContent = refusal;
  refused.hidden = !refusal;
  const key = JSON.stringify([bundle.parts, bundle.bins, bundle.order_parts_max]);
  if (key === made) return; // a reconnect must not undo what was typed
  made = key;
  most = bundle.order_parts_max;
  document.getElementById("limit").textContent = `up to ${most} parts`;
  parts.replaceChildren(...bundle.parts.map(partRow));
  bins.replaceChildren(...bundle.bins.map(binChoice));
  update();
}

form.addEventListener("input", update);
form.addEventListener("submit", place);

function partRow(name, index) {
  const input = element("input", { id: `part-${index}`, name, type: "number", inputmode: "numeric", min: 0, max: most, value: 0 });
  const step = (by, sign, words) => {
    const button = element("button", { type: "button", "aria-label": `${words} ${name}`, "data-step": by }, sign);
    button.addEventListener("click", () => {
      if (button.ariaDisabled === "true") return;
      input.value = Math.min(most, Math.max(0, quantity(input) + by));
      update();
    });
    return button;
  };
  const label = element("label", { for: input.id }, element("span", { class: "swatch" }), name,
    element("span", { class: "in-view", "data-name": name }));
  return element("div", { class: "part", "data-part": partIndex(name) }, label,
    element("div", { class: "stepper" }, step(-1, "−", "one less"), input, step(1, "+", "one more")));
}

function binChoice(name, index) {
  const input = element("input", { type: "radio", name: "bin", value: name });
  input.checked = index === 0;
  return element("label", {}, input, element("span", {}, name));
}

const quantity = (input) => Math.max(0, Math.trunc(Number(input.value)) || 0);
const lines = () => [...parts.querySelectorAll("input")].map((input) => ({ part: input.name, quantity: quantity(input) })).filter((line) => line.quantity);
const bin = () => form.querySelector("input[name=bin]:checked")?.value;

function update() {
  const ordered = lines();
  const total = ordered.reduce((sum, line) => sum + line.quantity, 0);
  // Not `disabled`, which would take the keyboard's focus away.
  submit.setAttribute("aria-disabled", isPlacing || total === 0 || total > most);
  submit.textContent = total > most ? `At most ${most} parts in one order`
    : total ? `Order ${inWords(ordered)} into ${bin()}` : "Choose parts";
  for (const button of parts.querySelectorAll("[data-step]")) {
    const value = quantity(button.parentElement.querySelector("input"));
    button.setAttribute("aria-disabled", button.dataset.step === "-1" ? value === 0 : total >= most);
  }
}

async function place(event) {
  event.preventDefault();
  if (submit.ariaDisabled === "true") return;
  isPlacing = true;
  problem.hidden = true;
  update();
  try {
    const order = await request("/v1/orders", {
      method: "POST",
      body: JSON.stringify({ lines: lines(), bin: bin(), deadline: deadline() }),
      headers: { "Content-Type": "application/json", "Idempotency-Key": newKey() },
    });
    announce(`Order ${order.number} placed`);
    for (const input of parts.querySelectorAll("input")) input.value = 0;
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  } finally {
    isPlacing = false;
    update();
  }
}

const deadline = () => within.value ? new Date(bridgeNow().getTime() + 60_000 * Number(within.value)).toISOString() : null;

// crypto.randomUUID exists on secure pages only, and the page may be read over plain HTTP.
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
