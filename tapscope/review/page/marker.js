// The marks of the tips, the same on all pages: a ring for the thumb, a diamond for the index finger.

const COLOURS = { thumb_tip: "#6db9f0", index_tip: "#ffb454" };

// isDashed: not saved yet, or hidden; isSet: with a cross in its middle; isChosen: thicker
export function drawTip(pen, tip, x, y, { isDashed = false, isSet = false, isChosen = false } = {}) {
  const more = isChosen ? 1 : 0;
  for (const [colour, thick] of [["#000", 4.5 + more], [COLOURS[tip], 2.5 + more]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = thick;
    pen.setLineDash(isDashed ? [4, 3] : []);
    pen.beginPath();
    if (tip === "thumb_tip") pen.arc(x, y, 8, 0, 2 * Math.PI);
    else { pen.moveTo(x, y - 10); pen.lineTo(x + 10, y); pen.lineTo(x, y + 10); pen.lineTo(x - 10, y); pen.closePath(); }
    if (isSet) { pen.moveTo(x - 3, y); pen.lineTo(x + 3, y); pen.moveTo(x, y - 3); pen.lineTo(x, y + 3); }
    pen.stroke();
  }
  pen.setLineDash([]);
}
