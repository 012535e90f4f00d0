// Sends a file with tus-js-client as it comes, and writes down where it is then.
// node tus_upload.cjs <endpoint> <token> <path> [options as JSON]
const fs = require("node:fs");
const path = require("node:path");
const tus = require("tus-js-client");

const [endpoint, token, file, options] = process.argv.slice(2);
const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: path.basename(file), filetype: "application/pdf" },
  ...JSON.parse(options ?? "{}"),
  onError(error) {
    process.stderr.write(`${error}\n`);
    process.exitCode = 1;
  },
  onSuccess() {
    process.stdout.write(upload.url);
  },
});
upload.start();
