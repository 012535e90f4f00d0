// Parse Server with its default files adapter (GridFS), as its README starts it, on two processes:
//   node parse.cjs <port> <mongodb uri>
const cluster = require("node:cluster");

const [port, databaseURI] = process.argv.slice(2);

async function serve() {
  const express = require("express");
  const { ParseServer } = require("parse-server");
  const parse = new ParseServer({
    databaseURI,
    appId: "bench",
    masterKey: "bench-master-key",
    serverURL: `http://127.0.0.1:${port}/parse`,
    logLevel: "error",
    silent: true,
  });
  await parse.start();
  const app = express();
  app.get("/healthz", (_, answer) => answer.end("ok"));
  app.use("/parse", parse.app);
  app.listen(Number(port), "127.0.0.1");
}

if (cluster.isPrimary) {
  for (let number = 0; number < 2; number += 1) cluster.fork();
  cluster.on("exit", () => process.exit(1));
} else {
  serve().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
