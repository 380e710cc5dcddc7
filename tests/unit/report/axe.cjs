// SPDX-License-Identifier: Apache-2.0
// Run axe-core over a page at three sizes and in both colour schemes: node axe.cjs PAGE.html, in a folder with
// axe-core and playwright-core installed. Exit code 1 where there is a violation or a page wider than its window.
const { createRequire } = require("module");
const need = createRequire(process.cwd() + "/");
const { chromium } = need("playwright-core");
const axe = require("fs").readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
  let bad = 0;
  for (const width of [1280, 640, 320]) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
      const page = await context.newPage();
      await page.goto("file://" + process.argv[2]);
      await page.evaluate(axe);
      const found = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), tags);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      for (const each of found.violations) console.log(width, colorScheme, each.id, each.help);
      if (over > 0) console.log(width, colorScheme, "overflow", over);
      bad += found.violations.length + (over > 0 ? 1 : 0);
      await context.close();
    }
  }
  await browser.close();
  process.exit(bad ? 1 : 0);
})();
