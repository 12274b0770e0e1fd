// Opens the row that the address names, so that a link to a span shows the span.
"use strict";

function openTarget() {
  const row = location.hash && document.getElementById(location.hash.slice(1));
  const details = row && row.querySelector("details");
  if (details) {
    details.open = true;
    details.querySelector("summary").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
}

addEventListener("hashchange", openTarget);
openTarget();
