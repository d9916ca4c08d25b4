import { system } from '../platform/system.js'

/** Ports above 1023 that browsers refuse (https://fetch.spec.whatwg.org/#port-blocking). */
const FETCH_BAD_PORTS = [
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
  6679, 6697, 10080,
]

/** A server that is started later needs its port; a test that connects to it may destroy data. */
const DEFAULT_SERVER_PORTS: Readonly<Record<string, readonly number[]>> = {
  'Microsoft SQL Server': [1433],
  Oracle: [1521],
  ZooKeeper: [2181],
  Docker: [2375, 2376],
  MySQL: [3306, 33060],
  PostgreSQL: [5432],
  RabbitMQ: [5672, 15672],
  'Redis, its cluster bus or Sentinel': [6379, 16379, 26379],
  Neo4j: [7687],
  InfluxDB: [8086],
  ClickHouse: [8123],
  Cassandra: [9042],
  Kafka: [9092],
  Elasticsearch: [9200, 9300],
  kubelet: [10250],
  memcached: [11211],
  Ollama: [11434],
  "Vite's hot reload": [24678],
  Minecraft: [25565],
  CockroachDB: [26257],
  MongoDB: [27017, 27018, 27019],
  RethinkDB: [28015],
  "gRPC's examples": [50051],
}

function serverPorts({ serverPorts } = system): Readonly<Record<string, readonly number[]>> {
  return { ...DEFAULT_SERVER_PORTS, ...serverPorts }
}

export function avoidedPorts(on = system): ReadonlySet<number> {
  return new Set([...FETCH_BAD_PORTS, ...Object.values(serverPorts(on)).flat()])
}

export const AVOIDED_PORTS = avoidedPorts()

/** Completes the sentence "It is …"; `undefined` if the port is not avoided. */
export function whyAvoided(port: number, on = system): string | undefined {
  if (FETCH_BAD_PORTS.includes(port)) return 'a port that browsers refuse to open'
  const server = Object.entries(serverPorts(on)).find(([, ports]) => ports.includes(port))
  return server && `the default port of ${server[0]}`
}
