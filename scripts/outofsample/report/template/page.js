"use strict";
// What the buttons open lies in this file, packed: gzip in base64.
async function unpack(store) {
  const packed = atob(store.textContent.trim());
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  // Pictures that this page has are not packed a second time.
  const text = (await new Response(stream).text()).replace(
    /outofsample-picture:([^:"]+):/g, (place, name) => document.getElementById("figure-" + name)?.querySelector("img").src ?? place);
  return new Blob([text], {type: "text/html;charset=utf-8"});
}
async function show(button) {
  const store = document.getElementById(button.dataset.opens);
  const status = button.parentElement.querySelector("[role=status]");
  if (!("DecompressionStream" in window)) {
    status.textContent = "This browser is too old to unpack it (2023 or newer is needed).";
    return;
  }
  // Opened at once: browsers block tabs that open long after the click.
  const tab = window.open("", "_blank");
  status.textContent = "Unpacking …";
  try {
    const address = URL.createObjectURL(await unpack(store));
    const link = Object.assign(document.createElement("a"), {href: address, target: "_blank", textContent: "open it"});
    const save = Object.assign(document.createElement("a"), {href: address, download: store.dataset.name, textContent: "save it as a file"});
    status.replaceChildren(tab ? "It is in a new tab; " : "The browser opened no tab; ", link, " or ", save, ".");
    if (tab) tab.location.href = address;
  } catch (error) {
    if (tab) tab.close();
    status.textContent = "It could not be unpacked: " + error.message;
  }
}
for (const button of document.querySelectorAll("button[data-opens]")) button.addEventListener("click", () => show(button));

// A click on a head sorts its table by that column; rows without a number stay below.
function cellOf(row, column) {
  let first = 0;
  for (const cell of row.cells) {
    if (column < first + cell.colSpan) return cell;
    first += cell.colSpan;
  }
}
function sort(table, head, column) {
  const opposite = {ascending: "descending", descending: "ascending"};
  const now = head.getAttribute("aria-sort");
  // Where 1 is best, the keys are distances to it.
  const order = now ? opposite[now] ?? "other" : head.dataset.first;
  const sign = order === "descending" ? -1 : 1;
  const key = row => column ? parseFloat(cellOf(row, column)?.dataset.key) : row.cells[0].textContent.toLowerCase();
  const compare = (a, b) => column
    ? isNaN(a) - isNaN(b) || (isNaN(a) ? 0 : sign * (a - b))
    : sign * a.localeCompare(b);
  const rows = [...table.tBodies[0].rows].map(row => [key(row), row]).sort(([a], [b]) => compare(a, b));
  table.tBodies[0].append(...rows.map(([, row]) => row));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order);
}
for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = Object.assign(document.createElement("button"), {type: "button", className: "sorts"});
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, head, column));
  });
}

// Paper shows what is folded.
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details:not([open])")) each.toggleAttribute("data-folded", each.open = true);
});
addEventListener("afterprint", () => {
  for (const each of document.querySelectorAll("details[data-folded]")) each.open = each.toggleAttribute("data-folded", false);
});
// A link into something folded opens it.
function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details:not([open])");
  if (folded) { folded.open = true; target.scrollIntoView(); }
}
addEventListener("hashchange", reveal);
reveal();
