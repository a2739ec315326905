/**
 * The page's looks: light and dark, wide and narrow. The colours of spans have at least 3:1 against their background
 * (WCAG 2.1, 1.4.11), and differ in lightness and in place as well as in hue, for those who see fewer colours.
 */

export const STYLE = `
:root {
  color-scheme: light dark;
  --back: #fbfbfc; --card: #ffffff; --edge: #dde1e7; --text: #171a20; --muted: #59616e;
  --device: #1668b8; --server: #0a7d68; --ghost: #d1341c; --ghost-text: #b8280f; --fault: #ffe2a3;
  --fault-edge: #9a6a00; --harm: #eceef2; --harm-edge: #7b8494;
  --alarm: #8a2fb0; --beat: #ffffff; --grid: #e6e9ee; --good: #14743a; --bad: #b8280f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0f1216; --card: #161a20; --edge: #2b323c; --text: #e9ebef; --muted: #9aa4b2;
    --device: #58a6f2; --server: #2fc0a0; --ghost: #ff6a4a; --ghost-text: #ff8d73; --fault: #4d3a0c;
    --fault-edge: #d6a02a; --harm: #262c36; --harm-edge: #8892a2;
    --alarm: #d58bf5; --beat: #0f1216; --grid: #232932; --good: #56c983; --bad: #ff8d73;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere;
}
main { max-width: 1240px; margin: 0 auto; padding: 28px 24px 48px; }
h1, h2, p, ul, figure { margin: 0; }
.over { color: var(--muted); font-size: 13px; letter-spacing: .02em; }
.over b { color: var(--text); font-weight: 650; }
h1 {
  font-size: clamp(22px, 3.1vw, 34px); line-height: 1.22; font-weight: 650; letter-spacing: -.015em;
  margin: 8px 0 22px; text-wrap: balance;
}
h1 .bad { color: var(--ghost-text); }
h2 { font-size: 18px; font-weight: 650; letter-spacing: -.005em; margin: 38px 0 10px; }
code { font: 12.5px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.note { border-left: 3px solid var(--fault-edge); padding: 6px 12px; margin: 0 0 10px; background: var(--card); }
.expectations { list-style: none; padding: 0; margin: 0 0 18px; display: grid; gap: 8px; }
.expectations > li { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 10px 14px; }
.verdict { font-weight: 650; margin-right: 8px; white-space: nowrap; }
.met .verdict { color: var(--good); } .missed .verdict { color: var(--bad); }
.late { color: var(--muted); font-size: 14px; }
.expectations ul { margin: 6px 0 0; padding-left: 18px; color: var(--muted); font-size: 14px; }
summary { cursor: pointer; color: var(--muted); font-size: 14px; margin-top: 6px; }
.tiles { display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px; margin: 0; }
.tiles + .tiles { grid-template-columns: repeat(5, 1fr); margin-top: 12px; }
.tile {
  background: var(--card); border: 1px solid var(--edge); border-top-width: 3px; border-radius: 12px;
  padding: 14px 16px; min-width: 0;
}
.tile h3 { margin: 0; font-size: 13px; font-weight: 600; color: var(--muted); }
.tile .big {
  font-size: 28px; line-height: 1.25; font-weight: 650; letter-spacing: -.02em; font-variant-numeric: tabular-nums;
}
.tile .big small { font-size: 13px; font-weight: 500; color: var(--muted); letter-spacing: 0; }
.tile .rest { color: var(--muted); font-size: 13.5px; font-variant-numeric: tabular-nums; }
.tile .rest b { color: var(--text); font-weight: 600; }
.tile .rest .bad { color: var(--ghost-text); }
.tile.server { border-top-color: var(--server); } .tile.device { border-top-color: var(--device); }
.tile.ghost .big { color: var(--ghost-text); }
figure { background: var(--card); border: 1px solid var(--edge); border-radius: 12px; padding: 14px 16px 8px; }
figcaption { font-size: 13.5px; color: var(--muted); margin-bottom: 6px; }
.distribution { display: block; max-width: 100%; height: auto; }
.distribution text { fill: var(--muted); font: 12px system-ui, sans-serif; }
.distribution .grid { stroke: var(--grid); fill: none; }
.curve path { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
.curve circle { stroke: var(--card); stroke-width: 1.5; }
.curve.server path { stroke: var(--server); } .curve.server circle { fill: var(--server); }
.curve.device path { stroke: var(--device); stroke-dasharray: 7 3; } .curve.device circle { fill: var(--device); }
.narrow { display: none; }
table {
  border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums;
  background: var(--card); border: 1px solid var(--edge);
}
th { text-align: left; color: var(--muted); font-weight: 600; font-size: 13px; }
th, td { padding: 7px 12px; border-bottom: 1px solid var(--edge); vertical-align: top; }
td:first-child { font: 12.5px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
td .bad { color: var(--ghost-text); font-weight: 600; }
.tiers { color: var(--muted); font-size: 13.5px; margin-top: 10px; }
button.lane {
  font: inherit; font-size: 13px; color: var(--device); background: none; border: 0; padding: 0 2px; cursor: pointer;
  text-decoration: underline;
}
.words {
  display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 2px 24px; margin: 12px 0 0; font-size: 13.5px;
  color: var(--muted);
}
.words div { display: grid; grid-template-columns: 9.5em 1fr; gap: 10px; }
.words dt { color: var(--text); } .words dd { margin: 0; }
td .good { color: var(--good); }
.why { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 12px; }
.why div {
  background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 10px 14px; max-width: 70ch;
}
.why h3 { margin: 0 0 2px; font-size: 14px; font-weight: 650; }
.legend {
  display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 5px 24px; padding: 0; margin: 0 0 12px;
  list-style: none; font-size: 13.5px; color: var(--muted);
}
.legend b { color: var(--text); font-weight: 600; }
.legend li { display: grid; grid-template-columns: 34px 1fr; gap: 10px; align-items: start; }
.swatch { height: 11px; margin-top: 5px; border-radius: 2px; }
.swatch.s-device { background: var(--device); } .swatch.s-server { background: var(--server); }
.swatch.s-ghost {
  background: repeating-linear-gradient(
    135deg, var(--ghost) 0 4px, color-mix(in srgb, var(--ghost) 62%, var(--card)) 4px 6px);
  height: 14px; margin-top: 4px;
}
.swatch.s-fault {
  background: var(--fault); border: solid var(--fault-edge); border-width: 0 1.5px; height: 18px; margin-top: 2px;
  border-radius: 0;
}
.swatch.s-beat { background: repeating-linear-gradient(90deg, var(--device) 0 5px, var(--beat) 5px 6px); }
.swatch.s-mark {
  height: auto; margin: 0; color: var(--text); letter-spacing: 3px; white-space: nowrap; line-height: 1.5;
}
.swatch.s-mark i { font-style: normal; color: var(--alarm); }
#pane {
  position: sticky; top: 0; background: var(--card); border: 1px solid var(--edge); border-radius: 12px;
  overflow: hidden; z-index: 1;
}
#tools {
  display: flex; flex-wrap: wrap; gap: 8px; align-items: center; padding: 9px 12px;
  border-bottom: 1px solid var(--edge);
}
#tools label { color: var(--muted); font-size: 13.5px; }
#tools input, #tools button, #tools select {
  font: inherit; font-size: 14px; color: var(--text); background: var(--back); border: 1px solid var(--harm-edge);
  border-radius: 8px; padding: 4px 10px; min-height: 34px;
}
#tools input { flex: 0 1 220px; min-width: 0; }
#tools button { cursor: pointer; min-width: 36px; }
#tools button:disabled { opacity: .45; cursor: default; }
#tools .count { color: var(--muted); font-size: 13.5px; flex: 1; }
:focus-visible { outline: 2px solid var(--device); outline-offset: 2px; }
#canvas { display: block; width: 100%; touch-action: pan-y; cursor: crosshair; }
#canvas:focus-visible { outline-offset: -2px; }
#tip {
  position: fixed; left: 0; top: 0; z-index: 2; max-width: min(430px, calc(100vw - 16px)); padding: 9px 12px;
  border-radius: 9px; background: var(--text); color: var(--back); font-size: 13px; line-height: 1.45;
  pointer-events: none; box-shadow: 0 6px 24px rgb(0 0 0 / .28); font-variant-numeric: tabular-nums;
}
#tip[hidden] { display: none; }
#tip b { display: block; font-weight: 650; }
#tip p { padding-left: 14px; text-indent: -14px; }
#tip p::before {
  content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 2px; margin-right: 6px;
  background: var(--c, currentColor);
}
footer { margin-top: 30px; color: var(--muted); font-size: 13px; }
@media (max-width: 820px) {
  .tiles, .tiles + .tiles { grid-template-columns: repeat(2, 1fr); }
  .tiles .wide-tile, .tiles + .tiles .tile:last-child { grid-column: span 2; }
}
@media (max-width: 600px) {
  main { padding: 18px 12px 40px; }
  h2 { margin-top: 30px; }
  .tile { padding: 11px 12px; } .tile .big { font-size: 23px; }
  .wide { display: none; } .narrow { display: block; }
  figure { padding: 12px 8px 6px; }
  .legend, .words, .why { grid-template-columns: 1fr; }
  table, tbody, tr, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table { border: 0; background: none; }
  tr {
    background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 8px 12px;
    margin-bottom: 8px;
  }
  td { border: 0; padding: 2px 0; display: grid; grid-template-columns: 8.2em 1fr; }
  td:first-child { display: block; padding-bottom: 4px; }
  td:not(:first-child)::before { content: attr(data-label); color: var(--muted); }
  #field { margin: 0 -12px; }
  #pane { border-radius: 0; border-width: 1px 0; }
  #tools { gap: 6px; padding: 8px; }
  #tools input, #tools label { flex: 1 1 100%; font-size: 16px; }
  #tip { left: 8px !important; right: 8px; top: auto !important; bottom: 8px; max-width: none; }
}
@media print { #field, #tools { display: none; } }
`;
