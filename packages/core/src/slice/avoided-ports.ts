/** Ports above 1023 that browsers refuse (https://fetch.spec.whatwg.org/#port-blocking). */
const FETCH_BAD_PORTS = [
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
  6679, 6697, 10080,
]

/** A server that is started later needs its port; a test that connects to it may destroy data. */
const DEFAULT_SERVER_PORTS = [
  1433, // Microsoft SQL Server
  1521, // Oracle
  2181, // ZooKeeper
  2375,
  2376, // Docker
  3306,
  33060, // MySQL
  5432, // PostgreSQL
  5672,
  15672, // RabbitMQ
  6379,
  16379,
  26379, // Redis, its cluster bus and Sentinel
  7687, // Neo4j
  8086, // InfluxDB
  8123, // ClickHouse
  9042, // Cassandra
  9092, // Kafka
  9200,
  9300, // Elasticsearch
  10250, // kubelet
  11211, // memcached
  11434, // Ollama
  24678, // Vite's hot reload
  25565, // Minecraft
  26257, // CockroachDB
  27017,
  27018,
  27019, // MongoDB
  28015, // RethinkDB
  50051, // gRPC's examples
]

/** The AirPlay receiver of macOS listens there once it is switched on. */
const AIRPLAY_PORTS = [5000, 7000]

export function avoidedPorts(platform: NodeJS.Platform): ReadonlySet<number> {
  const ofSystem = platform === 'darwin' ? AIRPLAY_PORTS : []
  return new Set([...FETCH_BAD_PORTS, ...DEFAULT_SERVER_PORTS, ...ofSystem])
}

export const AVOIDED_PORTS = avoidedPorts(process.platform)
