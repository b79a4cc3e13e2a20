// Builds static/vendor: one style sheet, one script, fonts, icons and the licences of what is inside.
// Run with `npm run build` after `npm ci`. Needs Node 20 or newer and no network.
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { calendarRows } from "./calendar-rows.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const cache = join(modules, ".cache", "venterom");
const target = join(root, "static", "vendor");

/** The theme of Designsystemet from our colours; made anew only when the colours or the generator changed. */
function buildTheme() {
  const config = join(root, "assets", "theme.config.json");
  const generator = join(modules, "@digdir", "designsystemet");
  const stamp = createHash("sha256")
    .update(readFileSync(config))
    .update(readFileSync(join(generator, "package.json")))
    .digest("hex");
  const css = join(cache, "css", "venterom.css");
  const stampFile = join(cache, "stamp");
  if (existsSync(css) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return css;
  const bin = join(generator, "dist", "bin", "designsystemet.js");
  const run = (...args) => execFileSync(process.execPath, [bin, ...args], { cwd: root, stdio: "pipe" });
  run("tokens", "create", "--config", config, "--clean");
  run("tokens", "build", "--config", config, "-t", join(cache, "tokens"), "-o", join(cache, "css"), "--clean");
  writeFileSync(stampFile, stamp);
  return css;
}

/** Name → inner mark-up of each icon that portal/look/icons.json lists. */
function buildIcons() {
  const wanted = JSON.parse(readFileSync(join(root, "portal", "look", "icons.json"), "utf8"));
  const folder = join(modules, "@navikt", "aksel-icons", "dist", "svg");
  const icons = {};
  for (const [name, source] of Object.entries(wanted)) {
    const svg = readFileSync(join(folder, `${source}.svg`), "utf8");
    const paths = svg.match(/<path[^>]*\/>/g);
    if (!paths || /<(?!\/?svg|path)/.test(svg)) throw new Error(`icon ${source} holds more than paths`);
    icons[name] = paths.join("").replaceAll('fill="currentColor"', "");
  }
  return icons;
}

/** Licence texts of every package that has something in the result. */
function licences(packages) {
  const texts = [...packages].sort().map((name) => {
    const folder = join(modules, name);
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(folder, file), "utf8").trim() : "(the package carries no licence text)";
    return `${name} ${about.version}, ${about.license}\n\n${text}\n`;
  });
  return `What static/vendor is made of, and under which licences.\n\n${texts.join(`\n${"-".repeat(72)}\n\n`)}`;
}

const started = Date.now();
const theme = buildTheme();
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });

const result = await esbuild.build({
  absWorkingDir: root,
  entryPoints: [
    { in: "assets/css/index.css", out: "venterom" },
    { in: "assets/js/index.js", out: "venterom" },
  ],
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  loader: { ".woff2": "file" },
  assetNames: "fonts/[name]",
  alias: { "venterom-theme": theme },
  plugins: [
    {
      // The places in a day that the calendar needs: a strict content policy allows no style attributes.
      name: "calendar-rows",
      setup(build) {
        build.onResolve({ filter: /^calendar-rows$/ }, () => ({ path: "calendar-rows", namespace: "rows" }));
        build.onLoad({ filter: /.*/, namespace: "rows" }, () => ({ contents: calendarRows(), loader: "css" }));
      },
    },
  ],
});

/** Paper is light, whatever the screen is: some browsers print the dark colours, and leave their background out. */
function lightOnPaper() {
  const sheet = join(target, "venterom.css");
  const dark = /@media ?\(prefers-color-scheme: ?dark\)/g;
  const light = /@media ?\(prefers-color-scheme: ?light\)/g;
  const css = readFileSync(sheet, "utf8");
  if (!css.match(dark) || !css.match(light)) throw new Error("the colours of dark and light screens are not where they were");
  const said = css.replaceAll(dark, "@media screen and (prefers-color-scheme:dark)");
  writeFileSync(sheet, said.replaceAll(light, "@media print,(prefers-color-scheme:light)"));
}

lightOnPaper();
const packages = new Set(["@navikt/aksel-icons"]);
for (const input of Object.keys(result.metafile.inputs)) {
  const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/.][^/]*)\//);
  if (found) packages.add(found[1]);
}
writeFileSync(join(target, "icons.json"), JSON.stringify(buildIcons()));
writeFileSync(join(target, "LICENCES.txt"), licences(packages));
for (const [file, { bytes }] of Object.entries(result.metafile.outputs)) {
  console.log(`${relative(root, resolve(root, file)).padEnd(58)} ${(bytes / 1024).toFixed(0).padStart(5)} KB`);
}
console.log(`built in ${((Date.now() - started) / 1000).toFixed(1)} s`);
