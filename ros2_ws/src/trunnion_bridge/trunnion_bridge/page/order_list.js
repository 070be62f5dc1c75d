// Orders: those that run or wait first, then those that ended, newest first.

import { element, inWords } from "./parts.js";
import { ask } from "./session.js";

const SHOWN = 12;
const ENDED = ["succeeded", "failed", "cancelled"];
const list = document.getElementById("orders");
const orders = new Map();

export function setOrders(all) {
  orders.clear();
  for (const order of all) orders.set(order.id, order);
  draw();
}

export function setOrder(order) {
  orders.set(order.id, order);
  draw();
}

export const runningOrder = () => [...orders.values()].find((order) => order.state === "running");

const active = (order) => !ENDED.includes(order.state);

function draw() {
  const all = [...orders.values()];
  const shown = [
    ...all.filter(active).sort((a, b) => a.number - b.number),
    ...all.filter((order) => !active(order)).sort((a, b) => b.number - a.number),
  ];
  for (const order of shown.splice(Math.max(SHOWN, all.filter(active).length))) orders.delete(order.id);
  list.replaceChildren(...shown.map(row));
  document.getElementById("no-orders").hidden = shown.length > 0;
  const waiting = all.filter((order) => order.state === "queued").length;
  document.getElementById("waiting").textContent = waiting ? `${waiting} waiting` : "";
}

function row(order) {
  const what = element("p", { class: "what" }, element("span", { class: "number" }, `#${order.number}`), `${inWords(order.lines)} into ${order.bin}`);
  const made = element("li", { class: "one", "data-state": order.state, "data-id": order.id }, what,
    element("p", { class: "state" }, order.state), steps(order), element("p", { class: "news" }, order.message));
  made.append(active(order) ? cancelButton(order) : element("p", { class: "when" }, took(order)));
  return made;
}

function steps(order) {
  const bar = element("div", { class: "steps", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": order.requested,
    "aria-valuenow": order.sorted, "aria-label": `${order.sorted} of ${order.requested} parts sorted` });
  for (let index = 0; index < order.requested; index += 1) {
    const isNext = order.state === "running" && index === order.sorted;
    bar.append(element("span", { class: index < order.sorted ? "done" : isNext ? "next" : "" }));
  }
  return bar;
}

function cancelButton(order) {
  const button = element("button", { class: "text", type: "button", "aria-label": `Cancel order ${order.number}` }, "Cancel");
  button.addEventListener("click", () => {
    button.disabled = true;
    ask(`/v1/orders/${order.id}/cancel`, { method: "POST" });
  });
  return button;
}

function took(order) {
  if (!order.started_at) return "";
  const seconds = (Date.parse(order.ended_at) - Date.parse(order.started_at)) / 1000;
  return `${order.sorted} of ${order.requested} in ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}
