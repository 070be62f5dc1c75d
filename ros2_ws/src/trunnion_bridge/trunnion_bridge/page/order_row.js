// One order: what it asks for, how far it is, its cancelling, and its history behind a button. It changes in place, so
// that the keyboard's focus stays where it is.

import { active, withTheSorter } from "./order_book.js";
import { history } from "./order_history.js";
import { element, inWords } from "./parts.js";
import { request } from "./problem.js";
import { mayNot } from "./session.js";
import { duration, moment } from "./when.js";

export function orderRow(first) {
  let order = first;
  const past = element("div", { class: "history", id: `history-${order.id}`, hidden: "", role: "group", tabindex: 0,
    "aria-label": `History of order ${order.number}` });
  const what = element("button", { class: "what", type: "button", "aria-expanded": false, "aria-controls": past.id },
    element("span", { class: "number" }, `#${order.number}`), ` ${inWords(order.lines)} into ${order.bin}`);
  const state = element("p", { class: "state" });
  const bar = progress(order);
  const news = element("p", { class: "news" });
  const when = element("p", { class: "when" });
  const cancel = element("button", { class: "text", type: "button", "aria-label": `Cancel order ${order.number}` }, "Cancel");
  const problem = element("p", { class: "problem", role: "alert", hidden: "" });
  const node = element("li", { class: "one" }, element("div", { class: "line" }, what, state), bar.node,
    element("div", { class: "line" }, news, when, cancel), problem, past);
  const showHistory = history(past);

  what.addEventListener("click", () => {
    past.hidden = !past.hidden;
    what.setAttribute("aria-expanded", !past.hidden);
    showHistory(order);
  });
  cancel.addEventListener("click", async () => {
    if (order.cancelling) return;
    problem.hidden = true;
    try {
      show(await request(`/v1/orders/${order.id}/cancel`, { method: "POST" }));
    } catch (error) {
      problem.textContent = `Not cancelled. ${error.message}`;
      problem.hidden = false;
    }
  });

  function show(changed) {
    if (changed.event < order.event) return;
    order = changed;
    const isCancelling = order.cancelling && active(order);
    node.dataset.state = order.state;
    put(state, isCancelling ? "cancelling" : order.state);
    put(news, order.message);
    put(when, timing(order));
    bar.show(order);
    if (!active(order) && document.activeElement === cancel) what.focus();
    cancel.hidden = !active(order) || Boolean(mayNot("operator"));
    cancel.setAttribute("aria-disabled", isCancelling);
    showHistory(order);
  }

  show(order);
  return { node, show, what };
}

function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function timing(order) {
  if (order.state === "queued") return order.deadline ? `start by ${moment(order.deadline)}` : "";
  if (active(order)) return `${order.sorted} of ${order.requested}`;
  const seconds = order.started_at ? (Date.parse(order.ended_at) - Date.parse(order.started_at)) / 1000 : 0;
  return [`${order.sorted} of ${order.requested}`, seconds && `in ${duration(seconds)}`, "·", moment(order.ended_at)]
    .filter(Boolean).join(" ");
}

function progress(order) {
  const steps = Array.from({ length: order.requested }, () => element("span"));
  const node = element("div", { class: "steps", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": order.requested,
    "aria-label": `Order ${order.number}, parts sorted` }, ...steps);
  function show({ state, sorted, requested }) {
    node.hidden = !withTheSorter({ state });
    node.setAttribute("aria-valuenow", sorted);
    node.setAttribute("aria-valuetext", `${sorted} of ${requested} parts sorted`);
    for (const [index, step] of steps.entries()) {
      step.className = index < sorted ? "done" : state === "running" && index === sorted ? "next" : "";
    }
  }
  return { node, show };
}
