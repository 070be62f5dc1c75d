// A WebSocket that comes back by itself: at once, then with growing pauses of up to four seconds.

import { admitted } from "./session.js";

const PAUSES_MS = [0, 500, 1000, 2000, 4000];

// `path` is a function, because where to go on may have changed since.
export function live(path, { onMessage, onOpen = () => {}, onLost = () => {}, binary = false }) {
  let tries = 0;

  async function connect() {
    if (!(await admitted())) return; // the page begins anew when somebody has signed in
    const url = new URL(path(), location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    if (binary) socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      tries = 0;
      onOpen();
    };
    socket.onmessage = (event) => onMessage(event.data);
    socket.onclose = () => {
      onLost();
      const pause = PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)];
      tries += 1;
      setTimeout(connect, pause);
    };
  }
  connect();
}
