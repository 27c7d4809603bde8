// What a person would dislike and a program can see: text that is cut off, legends and tables that need scrolling, tiny letters.
const SMALLEST_PX = 10;
const EXAMPLES = 3;

export function lookAt(section, report) {
  const found = { "cut off": new Set(), "below the panel's edge": new Set(), "tiny letters": new Set() };
  for (const element of section.querySelectorAll("*")) {
    // The second is what only screen readers see.
    if (!(element instanceof HTMLElement) || (element.clientWidth === 1 && element.clientHeight === 1)) continue;
    const style = getComputedStyle(element);
    const { clientHeight, clientWidth, scrollHeight, scrollWidth } = element;
    if (clientHeight && isScroller(style.overflowY) && scrollHeight > clientHeight + 2) {
      report(`${partOf(element)} is ${scrollHeight} px high and has room for ${clientHeight}`);
    }
    if (clientWidth && isScroller(style.overflowX) && scrollWidth > clientWidth + 2) {
      report(`${partOf(element)} is ${scrollWidth} px wide and has room for ${clientWidth}`);
    }
    for (const node of element.childNodes) {
      const text = node.nodeType === Node.TEXT_NODE ? node.textContent.trim() : "";
      if (!text) continue;
      const side = sideCutOff(node, section);
      if (side) found[side].add(text);
      if (parseFloat(style.fontSize) < SMALLEST_PX) found["tiny letters"].add(text);
    }
  }
  for (const [what, texts] of Object.entries(found)) {
    const shown = [...texts].slice(0, EXAMPLES).join(" | ");
    if (texts.size) report(`${what}: ${shown}${texts.size > EXAMPLES ? ` and ${texts.size - EXAMPLES} more` : ""}`);
  }
}

const isScroller = (overflow) => overflow === "auto" || overflow === "scroll";

// Who needs to scroll is told of that already.
function sideCutOff(node, section) {
  const range = document.createRange();
  range.selectNodeContents(node);
  const text = range.getBoundingClientRect();
  for (let element = node.parentElement; element && section.contains(element); element = element.parentElement) {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (isScroller(style.overflowX) || isScroller(style.overflowY)) return undefined;
    if (style.overflowX !== "visible" && (text.right > box.right + 1 || text.left < box.left - 1)) return "cut off";
    const isPanel = element === section || style.overflowY !== "visible";
    // A line's height is more than that of its letters.
    if (isPanel && text.bottom - text.height / 4 > box.bottom) return "below the panel's edge";
  }
  return undefined;
}

function partOf(element) {
  if (element.closest("[role=grid]")) return "the table";
  return element.querySelector("[class*=Legend]") || element.closest("[class*=Legend]") ? "the legend" : "the content";
}
