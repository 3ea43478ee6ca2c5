//! How the page looks: the system's fonts, light and dark, wide and narrow, on paper.

/// What the page's policy allows: this style and no other. A test says what it must be.
pub(super) const HASH: &str = "sha256-BJpov1blEVIWVJNryPqv9yOyTdUg/DyQE/9I1hd5ilg=";

/// Lines are told apart by dashes and marks too; colours are those of Okabe and Ito, which everybody tells apart.
pub(super) const STYLE: &str = r#"
:root {
  color-scheme: light dark;
  --text: #1b1f24; --soft: #57606a; --back: #f7f7f5; --card: #ffffff; --line: #d8dbe0; --rail: #d8dbe0;
  --link: #0b57c2; --open: #0072b2; --stop: #b3261e; --warn-back: #fff6dd; --warn-line: #d9a400; --code: #eff1f4;
  --s1: #0072b2; --s2: #c14e00; --s3: #007a5a; --s4: #a03f86; --s5: #57606a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6e8eb; --soft: #a3abb6; --back: #14171b; --card: #1c2026; --line: #343a43; --rail: #3a414b;
    --link: #7db7ff; --open: #56b4e9; --stop: #ff8a80; --warn-back: #2b2615; --warn-line: #c79a1b; --code: #2a3038;
    --s1: #56b4e9; --s2: #f0a33a; --s3: #33c99b; --s4: #e08fc9; --s5: #a3abb6;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 72rem; padding: 2.5rem 1.5rem 4rem; color: var(--text); background: var(--back);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
a { color: var(--link); text-underline-offset: 0.15em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
:target { scroll-margin-top: 1rem; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1.5rem; top: 0.75rem; padding: 0.4rem 0.8rem; background: var(--card); border: 1px solid var(--line); }
.unseen, .label {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
code { font: 0.875em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code.command { padding: 0.15em 0.45em; background: var(--code); border-radius: 4px; user-select: all; -webkit-user-select: all; }
h1, h2, h3 { line-height: 1.25; margin: 0; font-weight: 650; }
h1 { font-size: 1.9rem; letter-spacing: -0.01em; }
h1 span { color: var(--soft); font-weight: 400; }
h2 { font-size: 1.3rem; margin: 3.25rem 0 1rem; }
ul, ol, dl, figure { margin: 0; padding: 0; }
ul, ol { list-style: none; }
.brand { margin: 0 0 0.35rem; color: var(--soft); font-size: 0.85rem; font-weight: 600; letter-spacing: 0.06em; text-transform: uppercase; }
.as-of { margin: 0.4rem 0 0; color: var(--soft); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.6rem; margin-top: 1.4rem; }
nav a {
  display: block; padding: 0.45rem 0.95rem; color: var(--text); background: var(--card); border: 1px solid var(--line);
  border-radius: 999px; text-decoration: none;
}
nav a:hover { border-color: var(--link); }
nav b { font-variant-numeric: tabular-nums; margin-right: 0.15rem; }
.notice { margin: 1.75rem 0 0; padding: 0.8rem 1.1rem; background: var(--warn-back); border-left: 4px solid var(--warn-line); border-radius: 4px; }
.notice h2 { font-size: 1rem; margin: 0 0 0.3rem; }
.notice li + li { margin-top: 0.3rem; }
.empty { margin: 3rem 0; }
.board h3 { margin: 1.9rem 0 0.6rem; font-size: 1rem; }
.board .count { color: var(--soft); font-weight: 400; }
.rows { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.rows > li {
  display: grid; grid-template-columns: minmax(0, 10fr) minmax(0, 24fr) 6rem minmax(0, 18fr); gap: 0.4rem 1.5rem;
  padding: 1rem 1.25rem; align-items: start;
}
.rows > li + li { border-top: 1px solid var(--line); }
.name a { font-weight: 600; color: var(--text); text-decoration-color: var(--soft); text-decoration-thickness: 1px; }
.name a:hover { text-decoration-thickness: 2px; }
.name code, .owner { display: block; color: var(--soft); font-size: 0.82rem; }
code.command span { display: inline-block; max-width: 100%; }
.stage { margin: 0; font-weight: 500; }
.people { font-variant-numeric: tabular-nums; }
.next code.command { display: block; width: fit-content; max-width: 100%; margin-top: 0.2rem; }
.track { display: grid; grid-template-columns: repeat(auto-fit, minmax(4.4rem, 1fr)); gap: 0.4rem 0.5rem; margin-top: 0.35rem; }
.track li { display: block; min-width: 0; font-size: 0.82rem; line-height: 1.35; color: var(--soft); }
.track svg { display: block; width: 100%; height: 6px; margin-bottom: 0.3rem; border-radius: 3px; }
.track .rail { fill: var(--rail); }
.track .open { fill: var(--open); }
.track .current, .track .stopped { color: var(--text); font-weight: 650; }
.track .stopped .mark { color: var(--stop); }
.track .percent { white-space: nowrap; font-variant-numeric: tabular-nums; }
.clean-up > ul > li, .cards article {
  margin: 0 0 1.1rem; padding: 1.3rem 1.5rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
}
.clean-up h3, .cards h3 { font-size: 1.1rem; }
.clean-up p { margin: 0.45rem 0 0; }
.to-do { margin: 0.2rem 0 0 1.2rem; list-style: square; }
.about { margin: 0.15rem 0 0; color: var(--soft); font-size: 0.9rem; }
.cards .track { margin: 1rem 0 0.4rem; max-width: 44rem; }
dl { margin: 0.9rem 0 0; }
dl > div { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: 0 1rem; padding: 0.2rem 0; }
dt { color: var(--soft); }
dd { margin: 0; }
dd ul { display: inline; }
dd li { display: inline; }
dd li + li::before { content: " · "; color: var(--soft); }
.reads, .links { margin: 0.9rem 0 0; color: var(--soft); font-size: 0.9rem; }
.graphs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.5rem 2.5rem; margin-top: 1.25rem; }
.graphs figure { min-width: 0; max-width: 34rem; }
figcaption { font-weight: 600; font-size: 0.92rem; margin-bottom: 0.4rem; }
.absent p { margin: 0; color: var(--soft); }
.chart { display: block; width: 100%; height: auto; }
.chart text { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid path { stroke: var(--line); stroke-width: 1; fill: none; }
.line polyline { fill: none; stroke: currentColor; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
.line .today { stroke-width: 1.5; stroke-dasharray: 1 4; }
.line circle, .line rect, .line path { fill: currentColor; stroke: var(--card); stroke-width: 1; }
.s1 { color: var(--s1); }
.s2 { color: var(--s2); }
.s3 { color: var(--s3); }
.s4 { color: var(--s4); }
.s5 { color: var(--s5); }
.s2 polyline:not(.today) { stroke-dasharray: 7 4; }
.s3 polyline:not(.today) { stroke-dasharray: 2 4; }
.s4 polyline:not(.today) { stroke-dasharray: 9 3 2 3; }
.s5 path { stroke: currentColor; stroke-width: 2; }
.target { stroke: var(--text); stroke-width: 1.25; stroke-dasharray: 3 3; fill: none; }
.chart .target-label { fill: var(--text); stroke: var(--card); stroke-width: 4px; paint-order: stroke; }
.legend { display: flex; flex-wrap: wrap; gap: 0.15rem 1.2rem; margin-top: 0.35rem; font-size: 0.88rem; }
.legend .last { color: var(--soft); }
.swatch { width: 28px; height: 12px; vertical-align: -1px; }
.note { margin: 0.4rem 0 0; font-size: 0.88rem; color: var(--soft); }
details { margin-top: 0.5rem; font-size: 0.88rem; }
summary { cursor: pointer; color: var(--soft); width: fit-content; }
table { border-collapse: collapse; margin-top: 0.4rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.15rem 1rem 0.15rem 0; text-align: right; border-bottom: 1px solid var(--line); font-weight: 400; }
th:first-child { text-align: left; }
thead th { font-weight: 600; }
footer { margin-top: 3.5rem; color: var(--soft); font-size: 0.88rem; }
@media (max-width: 52rem) {
  body { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.5rem; }
  h1 span { display: block; font-size: 1.1rem; }
  .rows > li { grid-template-columns: minmax(0, 1fr); padding: 0.9rem 1rem; }
  .label { position: static; width: auto; height: auto; margin: 0; clip-path: none; color: var(--soft); font-weight: 400; }
  .clean-up > ul > li, .cards article { padding: 1rem; }
  dl > div { grid-template-columns: minmax(0, 1fr); padding: 0.3rem 0; }
  dt { font-size: 0.85rem; }
}
@media (max-width: 34rem) {
  .track { grid-template-columns: minmax(0, 1fr); gap: 0.45rem; }
  .track li { display: grid; grid-template-columns: 7rem 4.2rem minmax(0, 1fr); gap: 0 0.6rem; align-items: center; }
  .track svg { order: 3; margin: 0; }
}
@media (forced-colors: active) {
  .track .open { fill: CanvasText; }
  .track .rail { fill: GrayText; }
}
@media print {
  :root {
    --text: #000; --soft: #333; --back: #fff; --card: #fff; --line: #bbb; --rail: #ddd; --link: #000; --code: #fff; --open: #333; --stop: #000;
    --s1: #0072b2; --s2: #c14e00; --s3: #007a5a; --s4: #a03f86; --s5: #57606a;
  }
  body { max-width: none; padding: 0; font-size: 11pt; }
  nav, .skip { display: none; }
  .rows > li, .clean-up > ul > li, .cards article, figure { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
"#;
