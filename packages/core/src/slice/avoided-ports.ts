/** Ports that are never handed out although they lie in the range. */

/**
 * Ports above 1023 that `fetch` and browsers refuse to connect to.
 * Source: WHATWG Fetch, "bad port" (https://fetch.spec.whatwg.org/#port-blocking).
 */
const FETCH_BAD_PORTS = [
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
  6679, 6697, 10080,
]

/**
 * Default ports of servers that people run on the machine where they test. Whoever starts one
 * later expects its port free, and a test that talks to one by accident may lose data.
 */
const DEFAULT_PORTS_OF_SERVERS = [
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

/** Ports that are never handed out: those that browsers refuse, and the default ports of well-known servers. */
export const AVOIDED_PORTS: ReadonlySet<number> = new Set([
  ...FETCH_BAD_PORTS,
  ...DEFAULT_PORTS_OF_SERVERS,
])
