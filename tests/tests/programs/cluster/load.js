// As load.py, with ioredis. Arguments: its directory, then the ports of the nodes.
const [place, ...ports] = process.argv.slice(2);
const Redis = require(place);
const nodes = ports.map((port) => ({ host: "127.0.0.1", port: Number(port) }));
const client = new Redis.Cluster(nodes, { redisOptions: { commandTimeout: 2000 } });
client.on("error", () => {});

const KEYS = 200;
const acknowledged = new Map();
const unsure = new Map();
const count = { writes: 0, reads: 0, lost: 0, wrong: 0, errors: 0 };
let stopped = false;
process.stdin.resume().on("end", () => { stopped = true; });

async function attempt(call) {
  try {
    return [true, await call()];
  } catch (error) {
    count.errors += 1;
    console.log("error", Date.now(), String(error.message).replaceAll("\n", " "));
    return [false, null];
  }
}

function check(key, value) {
  const known = acknowledged.get(key) ?? [];
  const last = known.at(-1) ?? null;
  if (value === last) return;
  if ((unsure.get(key) ?? []).includes(value)) {
    known.push(value);
  } else if (value === null || known.includes(value)) {
    const at = known.indexOf(value) + 1;
    count.lost += known.length - at;
    known.length = at;
  } else {
    count.wrong += 1;
    console.log("wrong", key, value, last);
  }
  acknowledged.set(key, known);
}

function add(map, key, value) {
  if (!map.has(key)) map.set(key, []);
  map.get(key).push(value);
}

async function main() {
  const any = () => `key:${Math.floor(Math.random() * KEYS)}`;
  for (let number = 0; !stopped; number += 1) {
    const key = any();
    const value = `${key}=${number}`;
    const [written] = await attempt(() => client.set(key, value));
    if (written) count.writes += 1;
    add(written ? acknowledged : unsure, key, value);
    const other = any();
    const [read, found] = await attempt(() => client.get(other));
    if (read) {
      count.reads += 1;
      check(other, found);
    }
    if (number === 200) console.log("ready");
  }
  for (let n = 0; n < KEYS; n += 1) check(`key:${n}`, await client.get(`key:${n}`));
  console.log("done", Object.entries(count).map((pair) => pair.join("=")).join(" "));
  client.disconnect();
}

main().catch((error) => { console.log("failed", error); process.exit(1); });
