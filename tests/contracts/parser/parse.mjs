// Reads each file that is named with AsyncAPI's own parser and prints, as JSON, what it found in it and what is wrong.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, ...files] = process.argv.slice(2);
const { Parser } = createRequire(`${modules}/`)("@asyncapi/parser");
const found = [];
for (const file of files) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
  found.push({
    version: document?.version() ?? null,
    channels: document?.channels().all().length ?? 0,
    messages: document?.components().messages().all().map((message) => message.name()) ?? [],
    sends: document?.operations().filterBySend().length ?? 0,
    receives: document?.operations().filterByReceive().length ?? 0,
    wrong: diagnostics.map((one) => `${one.path.join("/")}: ${one.message}`),
  });
}
process.stdout.write(JSON.stringify(found));
