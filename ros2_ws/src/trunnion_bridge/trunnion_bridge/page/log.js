// What happened, newest first.

import { element } from "./parts.js";
import { clock } from "./when.js";

const KEPT = 100;
const log = document.getElementById("log");

export function tell(text, level = "", at = new Date()) {
  const time = element("time", { datetime: at.toISOString() }, clock(at));
  log.prepend(element("li", level ? { "data-level": level } : {}, time, element("span", {}, text)));
  while (log.childElementCount > KEPT) log.lastElementChild.remove();
}
