// The parts of this cell, each with a colour that stands for it everywhere on the page.

const ON_PICTURE = ["#ffb84d", "#6cc0ff", "#dc9bff", "#82e29a", "#ff9cc3", "#c3d6e2"];

let names = [];

export const setParts = (parts) => (names = parts);
export const partIndex = (name) => Math.max(0, names.indexOf(name)) % ON_PICTURE.length;
export const colourOnPicture = (name) => ON_PICTURE[partIndex(name)];
export const counted = (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`;
export const inWords = (lines) => lines.map((line) => counted(line.quantity, line.part)).join(", ");

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
