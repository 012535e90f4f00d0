// sharp in `bench.pictures`: the same dialogue as bench/picture_makers.py.
const fs = require("fs");
const path = require("path");
const readline = require("readline");

const ROWS = { thumb: [200, 200], card: [480], gallery: [1280], og: [1200, 630] };
let sharp;
try {
  sharp = require("sharp");
} catch (error) {
  console.log(error.message.split("\n")[0]);
  process.exit(0);
}

async function make(data) {
  const made = {};
  await Promise.all(
    Object.entries(ROWS).map(async ([name, [width, height]]) => {
      made[name] = await sharp(data).rotate().resize(width, height).webp({ quality: 80 }).toBuffer();
    }),
  );
  return made;
}

async function main() {
  console.log("ready");
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [file, folder] = line.split("\t");
    const data = fs.readFileSync(file);
    const cpu = process.cpuUsage();
    const wall = process.hrtime.bigint();
    const made = await make(data);
    const wallSeconds = Number(process.hrtime.bigint() - wall) / 1e9;
    const used = process.cpuUsage(cpu);
    for (const [name, content] of Object.entries(made)) {
      fs.writeFileSync(path.join(folder, `${name}.webp`), content);
    }
    console.log(JSON.stringify({ wall: wallSeconds, cpu: (used.user + used.system) / 1e6 }));
  }
}

main();
