// Sends a file with tus-js-client as it comes, and writes down where it is then.
// Fails when a HEAD tells of less than an earlier answer has said was kept.
// node tus_upload.cjs <endpoint> <token> <path> [options as JSON]
const fs = require("node:fs");
const path = require("node:path");
const tus = require("tus-js-client");

const [endpoint, token, file, options] = process.argv.slice(2);
let kept = 0;
const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: path.basename(file), filetype: "application/pdf" },
  ...JSON.parse(options ?? "{}"),
  onAfterResponse(request, response) {
    const offset = Number(response.getHeader("Upload-Offset") ?? kept);
    if (request.getMethod() === "HEAD" && response.getStatus() === 200 && offset < kept) {
      process.stderr.write(`${kept} bytes were kept, and there are ${offset}\n`);
      process.exitCode = 2;
    }
    if (request.getMethod() === "PATCH" && response.getStatus() === 204) kept = offset;
  },
  onError(error) {
    process.stderr.write(`${error}\n`);
    process.exitCode = 1;
  },
  onSuccess() {
    process.stdout.write(upload.url);
  },
});
upload.start();
