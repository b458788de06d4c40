/** The page's whole style: it loads nothing. Eight looks of lines, each with its colour (told apart by the colour-blind) and its dash. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1b1f24; --muted: #57606a; --page: #ffffff; --panel: #f4f6f8; --rule: #d5dae0;
  --met: #116329; --missed: #a40e26; --focus: #0550ae;
  --c0: #0072b2; --c1: #b34700; --c2: #00785a; --c3: #8a3ffc; --c4: #a2195b; --c5: #6a5d00; --c6: #005d5d; --c7: #4d5358; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --muted: #9aa5b1; --page: #0d1117; --panel: #161b22; --rule: #30363d;
  --met: #56d364; --missed: #ff7b72; --focus: #79c0ff;
  --c0: #56b4e9; --c1: #ffa657; --c2: #3ddbb0; --c3: #be95ff; --c4: #ff7eb6; --c5: #f1c21b; --c6: #3dbdbd; --c7: #c1c7cd; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 66rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--focus); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; } .skip:focus { left: 1rem; top: 1rem; background: var(--page); padding: .5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; border-top: 1px solid var(--rule); padding-top: 1rem; }
h3 { font-size: 1.05rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--rule); vertical-align: middle; }
td.number, th.number { text-align: right; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
code { font: .9em ui-monospace, monospace; background: var(--panel); padding: .1em .3em; border-radius: 3px; }
.met { color: var(--met); } .missed { color: var(--missed); font-weight: 600; }
figure { margin: 1rem 0; padding: 1rem; background: var(--panel); border-radius: 6px; }
figcaption { font-weight: 600; }
figure > svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; } svg text.label { fill: var(--muted); }
.grid { stroke: var(--rule); stroke-width: 1; } .axis { stroke: var(--muted); stroke-width: 1; }
.line path { fill: none; stroke-width: 2; stroke-linejoin: round; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .3rem 0; padding: 0; }
.key { width: 36px; height: 10px; margin-right: .4rem; vertical-align: middle; }
.rounds { width: 110px; height: 14px; vertical-align: middle; } .rounds line { stroke: var(--rule); stroke-width: 2; }
.rounds circle { fill: var(--c0); fill-opacity: .55; } .rounds .middle { stroke: var(--text); stroke-width: 2; }
details summary { cursor: pointer; color: var(--muted); }
${Array.from(['none', '7 3', '2 3', '10 3 2 3', '4 2', '12 4', '1 2', '8 2 2 2 2 2'], (dash, i) => `.look${i} path { stroke: var(--c${i}); stroke-dasharray: ${dash}; } .look${i} circle { fill: var(--c${i}); }`).join('\n')}
@media print { figure { break-inside: avoid; } }
`;
