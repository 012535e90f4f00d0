// A day of an agent by the TypeScript SDK of the Model Context Protocol: `node mcp.mjs URL TOKEN`.
import assert from "node:assert/strict";
import {Client} from "@modelcontextprotocol/sdk/client/index.js";
import {StreamableHTTPClientTransport} from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, token] = process.argv.slice(2);
const PIXEL = "R0lGODdhAQABAIAAAP8AAP8AACwAAAAAAQABAAACAkQBADs=";
const client = new Client({name: "avenue-tests", version: "1"});
const headers = {Authorization: `Bearer ${token}`};
await client.connect(new StreamableHTTPClientTransport(new URL(url), {requestInit: {headers}}));

async function call(name, args = {}) {
  const result = await client.callTool({name, arguments: args});
  assert(!result.isError, JSON.stringify(result));
  return result.structuredContent;
}

const {tools} = await client.listTools();
assert(tools.every((each) => each.outputSchema && each.annotations));
const {media} = await call("upload_media", {name: "rojo.gif", data: PIXEL});
const ids = [media.id];
await call("update_media", {id: media.id, alt: {es: "Un punto"}, tags: ["rojo"], focal: [0.5, 0.5]});
assert.equal((await call("search_media", {query: "punto"})).items[0].id, media.id);
assert.equal((await call("list_media", {tag: "rojo"})).total, 1);
assert.deepEqual((await call("get_media", {id: media.id})).alt, {es: "Un punto"});
await call("list_folders");
await call("move_media", {ids, folder: null});
assert.equal((await call("get_media_usage", {id: media.id})).total, 0);
assert.equal((await call("delete_media", {ids})).dry_run, true);
assert.equal((await call("delete_media", {ids, dry_run: false})).to_trash[0].id, media.id);
const gone = await client.callTool({name: "get_media", arguments: {id: media.id}});
assert.equal(JSON.parse(gone.content[0].text).code, "media_not_found");
await client.close();
console.log("done");
