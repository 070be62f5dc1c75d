// Times as people read them, and the bridge's clock, by which deadlines count: a phone's may be wrong.

let aheadMs = 0;

export const hearTime = (at) => (aheadMs = Date.parse(at) - Date.now());
export const bridgeNow = () => new Date(Date.now() + aheadMs);
export const clock = (at) => at.toLocaleTimeString([], { hour12: false });

// With the day, where that is not today.
export function moment(text) {
  const at = new Date(text);
  const isToday = at.toDateString() === bridgeNow().toDateString();
  return isToday ? clock(at) : `${at.toLocaleDateString()} ${clock(at)}`;
}

export function duration(seconds) {
  if (seconds < 10 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
