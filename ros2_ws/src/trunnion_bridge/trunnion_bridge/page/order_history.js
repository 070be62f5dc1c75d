// What happened to one order, for those who ask: read when it is opened, and again when it has changed.

import { element } from "./parts.js";
import { request } from "./problem.js";
import { moment } from "./when.js";

export function history(place) {
  let shown = null; // the id of the newest event in there
  return async function show(order) {
    if (place.hidden || shown === order.event) return;
    shown = order.event;
    try {
      const detail = await request(`/v1/orders/${order.id}`);
      place.replaceChildren(facts(detail), events(detail.events));
    } catch (error) {
      shown = null; // opened again, it is asked again
      place.replaceChildren(element("p", { class: "problem", role: "alert" }, `No history. ${error.message}`));
    }
  };
}

function facts(order) {
  const rows = [["Placed", moment(order.created_at)]];
  if (order.deadline) rows.push(["Must start by", moment(order.deadline)]);
  if (order.started_at) rows.push(["Started", moment(order.started_at)]);
  if (order.ended_at) rows.push(["Ended", moment(order.ended_at)]);
  rows.push(["Id", element("code", {}, order.id)]);
  return element("dl", { class: "facts" }, ...rows.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function events(all) {
  let state = "";
  return element("ol", { class: "events" }, ...all.map((event) => {
    const words = event.state === state ? event.message : `${event.state}: ${event.message}`;
    state = event.state;
    return element("li", {}, element("time", { datetime: event.at }, moment(event.at)), element("span", {}, words));
  }));
}
