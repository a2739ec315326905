/** The looks of what only a live page has. The colours are those of every page (verdict/page/style.ts). */

export const LIVE_STYLE = `
.live h2 { margin-top: 26px; }
#bar {
  display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; padding: 10px 0;
  border-bottom: 1px solid var(--edge);
}
#clock {
  font-size: 26px; font-weight: 650; letter-spacing: -.02em; font-variant-numeric: tabular-nums; min-width: 5.5em;
}
#counts { color: var(--muted); font-size: 14px; flex: 1 1 14em; font-variant-numeric: tabular-nums; }
#counts b { color: var(--text); } #counts .bad { color: var(--ghost-text); font-weight: 650; }
.live button, .live select, .live input, #plan {
  font: inherit; font-size: 14px; color: var(--text); background: var(--card); border: 1px solid var(--harm-edge);
  border-radius: 8px; padding: 4px 11px; min-height: 34px;
}
#plan { text-decoration: none; display: inline-flex; align-items: center; } #plan[hidden] { display: none; }
.live button { cursor: pointer; } .live button:disabled { opacity: .45; cursor: default; }
.live button[aria-pressed="true"] { background: var(--fault); border-color: var(--fault-edge); font-weight: 600; }
.live button[aria-pressed="mixed"] { border-color: var(--fault-edge); border-style: dashed; border-width: 2px; }
#message { min-height: 1.5em; margin-top: 8px; color: var(--muted); font-size: 14px; }
#message.bad { color: var(--bad); }
.row { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-bottom: 10px; }
.row .grow { flex: 1; color: var(--muted); font-size: 14px; }
#fleet { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: 6px; }
#fleet.many { grid-template-columns: repeat(auto-fill, minmax(22px, 1fr)); gap: 3px; }
.live #fleet .host {
  display: block; padding: 0; min-height: 0; text-align: left; border-radius: 7px; overflow: hidden; font-size: 12.5px;
  border: 1px solid var(--edge); background: var(--card); position: relative;
}
.live #fleet .host[aria-pressed="true"] {
  outline: 3px solid var(--text); outline-offset: 1px; font-weight: inherit; background: var(--card);
}
.live #fleet .host:focus-visible { outline: 3px dashed var(--device); }
.host .who, .host .how { display: block; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.host .who { padding: 3px 8px 0; font-weight: 600; }
.host .how { padding: 0 8px 4px; color: var(--muted); }
.host .lamps { display: grid; grid-template-columns: 1fr 1fr; height: 12px; }
.many .host .who, .many .host .how { display: none; }
.many .host .lamps { height: 20px; }
.host .own { background: var(--harm); } .host .view { background: var(--harm); }
.host[data-own="connected"] .own, .host[data-own="running"] .own { background: var(--device); }
.host[data-own="connecting"] .own {
  background: repeating-linear-gradient(90deg, var(--device) 0 3px, var(--card) 3px 6px);
}
.host[data-own="hung"] .own { background: var(--alarm); }
.host[data-view="online"] .view { background: var(--server); }
.host[data-view="ghost"] .view {
  background: repeating-linear-gradient(
    135deg, var(--ghost) 0 4px, color-mix(in srgb, var(--ghost) 50%, var(--card)) 4px 6px);
}
.host[data-view="-"] .lamps { grid-template-columns: 1fr; } .host[data-view="-"] .view { display: none; }
.live #fleet .host[data-faults] { border-color: var(--fault-edge); box-shadow: inset 0 0 0 1px var(--fault-edge); }
.live #fleet .host[data-view="ghost"] {
  border-color: var(--ghost); box-shadow: inset 0 0 0 1px var(--ghost);
}
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; color: var(--muted); font-size: 13px; margin-top: 8px; }
.key i {
  display: inline-block; width: 16px; height: 10px; border-radius: 2px; margin-right: 6px; vertical-align: -1px;
}
.key .k-connected { background: var(--device); } .key .k-online { background: var(--server); }
.key .k-connecting { background: repeating-linear-gradient(90deg, var(--device) 0 3px, var(--card) 3px 6px); }
.key .k-ghost { background: repeating-linear-gradient(135deg, var(--ghost) 0 4px, var(--card) 4px 6px); }
.key .k-off { background: var(--harm); border: 1px solid var(--edge); } .key .k-hung { background: var(--alarm); }
#faults { display: flex; flex-wrap: wrap; gap: 8px; }
.fault { display: inline-flex; }
.fault button { white-space: nowrap; }
.fault input { width: 7.5em; border-left: 0; border-radius: 0 8px 8px 0; }
.fault.with button { border-radius: 8px 0 0 8px; }
#sliders {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 6px 28px; margin-top: 12px;
}
#sliders label { display: grid; grid-template-columns: 5em 1fr 5em; gap: 10px; align-items: center; font-size: 14px; }
#sliders input { padding: 0; border: 0; background: none; width: 100%; accent-color: var(--device); }
#sliders output { text-align: right; font-variant-numeric: tabular-nums; color: var(--muted); }
#log {
  background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 8px 12px; margin: 0;
  height: 15em; overflow: auto;
  font: 12.5px/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap;
}
@media (max-width: 600px) {
  #clock { font-size: 20px; min-width: 4.5em; }
  #fleet { grid-template-columns: repeat(auto-fill, minmax(98px, 1fr)); }
  #counts { flex-basis: 100%; }
  .live button, .live select, #plan { min-height: 40px; } #log { white-space: pre; }
}
`;
