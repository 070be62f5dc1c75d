// The camera's picture, and over it the boxes of what the detector sees in that very picture.

import { colourOnPicture, counted, element, partIndex } from "./parts.js";
import { live } from "./live.js";

const STALE_MS = 2000;
const SAME_MOMENT_NS = 500_000_000n;
const view = document.getElementById("view");
const picture = document.getElementById("picture");
const boxes = document.getElementById("boxes");
const veil = document.getElementById("veil");
const seen = document.getElementById("seen");
let detections = null;
let stampNs = 0n;
let lastMs = 0;
let drawing = false;

export function startCamera() {
  live("/v1/camera", { binary: true, onMessage: show });
  setInterval(check, 500);
  new ResizeObserver(drawBoxes).observe(view);
}

export function showDetections(found) {
  detections = found;
  drawBoxes();
  tellSeen(found ? found.items : []);
}

async function show(data) {
  lastMs = performance.now();
  if (drawing) return; // a page in the background falls behind; the newest picture will do
  drawing = true;
  try {
    const bitmap = await createImageBitmap(new Blob([data.slice(8)], { type: "image/jpeg" }));
    if (picture.width !== bitmap.width || picture.height !== bitmap.height) {
      [picture.width, picture.height] = [bitmap.width, bitmap.height];
      view.style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
    }
    picture.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    stampNs = new DataView(data).getBigInt64(0);
    view.dataset.here = "true";
    drawBoxes();
  } finally {
    drawing = false;
  }
}

function check() {
  if (performance.now() - lastMs < STALE_MS) return;
  view.dataset.here = "false";
  veil.firstElementChild.textContent = lastMs ? "No images from the camera" : "Waiting for the camera";
  drawBoxes();
}

function drawBoxes() {
  const scale = devicePixelRatio || 1;
  const [width, height] = [view.clientWidth, view.clientHeight];
  [boxes.width, boxes.height] = [width * scale, height * scale];
  const context = boxes.getContext("2d");
  context.scale(scale, scale);
  if (view.dataset.here !== "true" || !detections || !ofThisMoment(detections.stamp_ns)) return;
  const zoom = width / picture.width;
  for (const item of detections.items) drawBox(context, item, item.box_px.map((value) => value * zoom), width);
}

function ofThisMoment(otherNs) {
  const apart = stampNs - BigInt(otherNs);
  return apart < SAME_MOMENT_NS && -apart < SAME_MOMENT_NS;
}

function drawBox(context, item, [x1, y1, x2, y2], width) {
  const colour = colourOnPicture(item.label);
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.beginPath();
  context.roundRect(x1, y1, x2 - x1, y2 - y1, 5);
  context.stroke();
  const text = width > 420 ? `${item.label} ${Math.round(item.score * 100)} %` : item.label;
  context.font = `600 ${width > 420 ? 13 : 11}px system-ui, sans-serif`;
  const [tagWidth, tagHeight] = [context.measureText(text).width + 12, width > 420 ? 20 : 17];
  const tagX = Math.min(Math.max(x1 - 1, 0), width - tagWidth);
  const tagY = y1 > tagHeight + 3 ? y1 - tagHeight - 3 : y2 + 3;
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(tagX, tagY, tagWidth, tagHeight, 5);
  context.fill();
  context.fillStyle = "#14160f";
  context.textBaseline = "middle";
  context.fillText(text, tagX + 6, tagY + tagHeight / 2 + 0.5);
}

function tellSeen(items) {
  const counts = new Map();
  for (const { label } of items) counts.set(label, (counts.get(label) || 0) + 1);
  const byPart = [...counts].sort(([a], [b]) => partIndex(a) - partIndex(b));
  const key = JSON.stringify(byPart);
  if (seen.dataset.key === key) return;
  seen.dataset.key = key;
  const rows = byPart.map(([label, count]) =>
    element("li", { "data-part": partIndex(label) }, element("span", { class: "swatch" }), counted(count, label)));
  seen.replaceChildren(...(rows.length ? rows : [element("li", { class: "none" }, "No parts in view")]));
  for (const place of document.querySelectorAll(".in-view")) {
    const count = counts.get(place.dataset.name) || 0;
    place.textContent = count ? `${count} in view` : "";
  }
}
