import { MIB, type Workload } from './container-spec.ts'

/** One compose service in short notation. */
export type Service = {
  project: string
  service: string
  replicas?: number
  image: string
  command: string[]
  dependsOn?: string
  memoryMib: number
  cores: number
  pidsLimit?: number
  restart?: 'always' | 'unless-stopped'
  check?: { command: string; intervalSeconds?: number; startPeriodSeconds?: number }
  env?: string[]
  workload: Omit<Workload, 'logs'> & { logs?: Workload['logs'] }
}

const exitsCleanly = { exitCode: 0, delayMs: 350 }

/** A web shop, a RAG back end and their workers: what the demo watches. */
export const DEMO_SERVICES: Service[] = [
  {
    project: 'webshop',
    service: 'nginx',
    image: 'nginx:1.27-alpine',
    command: ['nginx', '-g', 'daemon off;'],
    dependsOn: 'shop-api:service_healthy:false',
    memoryMib: 128,
    cores: 0.5,
    check: { command: 'wget -qO- http://localhost/healthz' },
    workload: {
      memory: { baseBytes: 22 * MIB, warmUpSeconds: 2, noiseBytes: 0.2 * MIB, cacheBytes: 18 * MIB },
      cpu: { cores: 0.06, dailyShare: 0.5, noiseShare: 0.15 },
      network: { receiveBytes: 240_000, transmitBytes: 1_900_000 },
      block: { readBytes: 200, writeBytes: 6_000 },
      processes: ['nginx: master process nginx -g daemon off;', 'nginx: worker process', 'nginx: worker process'],
      pids: 5,
      onTerm: { exitCode: 0, delayMs: 90 },
      logs: {
        perSecond: 2,
        lines: [
          '10.20.0.{n} - - "GET /products/{n} HTTP/1.1" 200 18{n}2 "-" "Mozilla/5.0"',
          '10.20.0.{n} - - "POST /cart HTTP/1.1" 201 {n} "-" "Mozilla/5.0"',
        ],
        errors: ['[error] upstream timed out (110: Connection timed out) while reading response header from upstream'],
      },
    },
  },
  {
    project: 'webshop',
    service: 'shop-api',
    replicas: 2,
    image: 'webshop/shop-api:2.14.0',
    command: ['node', 'dist/server.js'],
    dependsOn: 'postgres:service_healthy:false,redis:service_started:false,rabbitmq:service_healthy:false',
    memoryMib: 512,
    cores: 1,
    pidsLimit: 200,
    env: ['NODE_ENV=production', 'PORT=8080'],
    check: { command: 'wget -qO- http://localhost:8080/health', startPeriodSeconds: 5 },
    workload: {
      memory: { baseBytes: 176 * MIB, warmUpSeconds: 12, noiseBytes: 1.2 * MIB, cacheBytes: 22 * MIB },
      cpu: { cores: 0.34, dailyShare: 0.45, noiseShare: 0.12 },
      network: { receiveBytes: 420_000, transmitBytes: 610_000 },
      block: { readBytes: 0, writeBytes: 3_000 },
      processes: ['node dist/server.js'],
      pids: 23,
      onTerm: exitsCleanly,
      logs: {
        perSecond: 1,
        lines: [
          '{"level":"info","route":"GET /api/products","status":200,"ms":{n}}',
          '{"level":"info","route":"POST /api/orders","status":201,"ms":{n}}',
        ],
        errors: [
          '{"level":"warn","msg":"request queue is growing","waiting":{n}}',
          '{"level":"error","msg":"request failed","error":"TimeoutError: pool exhausted","ms":5{n}}',
        ],
      },
    },
  },
  {
    project: 'webshop',
    service: 'postgres',
    image: 'postgres:16-alpine',
    command: ['postgres'],
    memoryMib: 1024,
    cores: 2,
    restart: 'always',
    check: { command: 'pg_isready -U shop', startPeriodSeconds: 10 },
    workload: {
      memory: { baseBytes: 210 * MIB, warmUpSeconds: 30, noiseBytes: 1.5 * MIB, cacheBytes: 380 * MIB },
      cpu: { cores: 0.28, dailyShare: 0.4, noiseShare: 0.2, burst: { cores: 0.5, everySeconds: 300, seconds: 12 } },
      network: { receiveBytes: 190_000, transmitBytes: 380_000 },
      block: { readBytes: 40_000, writeBytes: 310_000 },
      processes: ['postgres', 'postgres: checkpointer', 'postgres: walwriter', 'postgres: shop shop 10.20.0.5 idle'],
      pids: 18,
      onTerm: { exitCode: 0, delayMs: 600 },
    },
  },
  {
    project: 'webshop',
    service: 'redis',
    image: 'redis:7-alpine',
    command: ['redis-server', '--maxmemory', '128mb'],
    memoryMib: 256,
    cores: 0.5,
    restart: 'always',
    workload: {
      memory: { baseBytes: 92 * MIB, warmUpSeconds: 5, noiseBytes: 0.6 * MIB, cacheBytes: 12 * MIB },
      cpu: { cores: 0.05, dailyShare: 0.4, noiseShare: 0.1 },
      network: { receiveBytes: 130_000, transmitBytes: 240_000 },
      block: { readBytes: 0, writeBytes: 15_000 },
      processes: ['redis-server *:6379'],
      pids: 6,
      onTerm: exitsCleanly,
    },
  },
  {
    project: 'webshop',
    service: 'rabbitmq',
    image: 'rabbitmq:3.13',
    command: ['rabbitmq-server'],
    memoryMib: 512,
    cores: 1,
    check: { command: 'rabbitmq-diagnostics -q ping', intervalSeconds: 10, startPeriodSeconds: 15 },
    workload: {
      memory: {
        baseBytes: 148 * MIB,
        warmUpSeconds: 20,
        noiseBytes: 2 * MIB,
        cacheBytes: 40 * MIB,
        sawtooth: { bytes: 26 * MIB, periodSeconds: 45 },
      },
      cpu: { cores: 0.16, dailyShare: 0.3, noiseShare: 0.15 },
      network: { receiveBytes: 88_000, transmitBytes: 91_000 },
      block: { readBytes: 0, writeBytes: 44_000 },
      processes: ['/opt/erlang/lib/erlang/erts-14.2/bin/beam.smp -W w', 'erl_child_setup 1048576'],
      pids: 38,
      onTerm: { exitCode: 0, delayMs: 2_400 },
    },
  },
  {
    project: 'rag',
    service: 'rag-api',
    image: 'rag/api:0.9.3',
    command: ['uvicorn', 'app:api', '--host', '0.0.0.0'],
    dependsOn: 'vector-db:service_started:false,embedder:service_healthy:false',
    memoryMib: 768,
    cores: 1,
    check: { command: 'curl -f http://localhost:8000/health' },
    workload: {
      memory: {
        baseBytes: 268 * MIB,
        warmUpSeconds: 15,
        noiseBytes: 2 * MIB,
        cacheBytes: 60 * MIB,
        sawtooth: { bytes: 70 * MIB, periodSeconds: 38 },
      },
      cpu: { cores: 0.3, dailyShare: 0.5, noiseShare: 0.2 },
      network: { receiveBytes: 75_000, transmitBytes: 160_000 },
      block: { readBytes: 0, writeBytes: 1_000 },
      processes: ['/usr/bin/python3 /usr/bin/uvicorn app:api --host 0.0.0.0'],
      pids: 16,
      onTerm: { exitCode: 0, delayMs: 700 },
      logs: {
        perSecond: 0.8,
        lines: [
          'INFO:     10.21.0.{n}:4{n} - "POST /v1/ask HTTP/1.1" 200 OK',
          'INFO:     retrieved 8 chunks in {n} ms',
        ],
        errors: [
          'ERROR:    Exception in ASGI application: asyncio.TimeoutError',
          'WARNING:  event loop blocked for {n} s',
        ],
      },
    },
  },
  {
    project: 'rag',
    service: 'embedder',
    image: 'rag/embedder:0.9.3',
    command: ['python', '-m', 'embedder'],
    memoryMib: 2048,
    cores: 2,
    check: { command: 'curl -f http://localhost:9000/ready', startPeriodSeconds: 20 },
    workload: {
      memory: { baseBytes: 940 * MIB, warmUpSeconds: 25, noiseBytes: 6 * MIB, cacheBytes: 310 * MIB },
      cpu: { cores: 0.7, dailyShare: 0.4, noiseShare: 0.25, burst: { cores: 0.9, everySeconds: 120, seconds: 10 } },
      network: { receiveBytes: 64_000, transmitBytes: 120_000 },
      block: { readBytes: 12_000, writeBytes: 500 },
      processes: ['python -m embedder'],
      pids: 28,
      onTerm: { exitCode: 143, delayMs: 500 },
    },
  },
  {
    project: 'rag',
    service: 'vector-db',
    image: 'qdrant/qdrant:v1.12.4',
    command: ['./entrypoint.sh'],
    memoryMib: 1536,
    cores: 1,
    restart: 'always',
    workload: {
      memory: { baseBytes: 520 * MIB, warmUpSeconds: 20, noiseBytes: 3 * MIB, cacheBytes: 420 * MIB },
      cpu: { cores: 0.22, dailyShare: 0.4, noiseShare: 0.2 },
      network: { receiveBytes: 58_000, transmitBytes: 92_000 },
      block: { readBytes: 90_000, writeBytes: 60_000 },
      processes: ['./qdrant'],
      pids: 34,
      onTerm: exitsCleanly,
    },
  },
  {
    project: 'workers',
    service: 'order-worker',
    image: 'workers/order-worker:5.2.1',
    command: ['node', 'worker.js', 'orders'],
    memoryMib: 256,
    cores: 0.5,
    restart: 'always',
    workload: {
      memory: { baseBytes: 84 * MIB, warmUpSeconds: 8, noiseBytes: 1 * MIB, cacheBytes: 10 * MIB },
      cpu: { cores: 0.14, dailyShare: 0.5, noiseShare: 0.25 },
      network: { receiveBytes: 22_000, transmitBytes: 18_000 },
      block: { readBytes: 0, writeBytes: 800 },
      processes: ['node worker.js orders'],
      pids: 11,
      onTerm: exitsCleanly,
      logs: {
        perSecond: 0.6,
        lines: ['{"level":"info","msg":"order processed","order":{n},"ms":{n}}'],
        errors: [
          '{"level":"fatal","msg":"uncaught exception","error":"Error: getaddrinfo ENOTFOUND payments.internal"}',
          '{"level":"error","msg":"order failed, will retry","order":{n}}',
        ],
      },
    },
  },
  {
    project: 'workers',
    service: 'image-worker',
    image: 'workers/image-worker:5.2.1',
    command: ['java', '-jar', '/app/image-worker.jar'],
    memoryMib: 640,
    cores: 1,
    check: { command: 'wget -qO- http://localhost:8081/actuator/health', intervalSeconds: 10, startPeriodSeconds: 15 },
    workload: {
      memory: {
        baseBytes: 250 * MIB,
        warmUpSeconds: 18,
        noiseBytes: 2 * MIB,
        cacheBytes: 36 * MIB,
        sawtooth: { bytes: 110 * MIB, periodSeconds: 28 },
      },
      cpu: { cores: 0.38, dailyShare: 0.4, noiseShare: 0.3 },
      network: { receiveBytes: 310_000, transmitBytes: 140_000 },
      block: { readBytes: 30_000, writeBytes: 120_000 },
      processes: ['java -jar /app/image-worker.jar'],
      pids: 41,
      onTerm: { exitCode: 143, delayMs: 900 },
      logs: {
        perSecond: 0.7,
        lines: ['INFO  c.s.images.Resizer - resized image {n} in {n} ms'],
        errors: ['WARN  c.s.images.Resizer - queue depth {n}, resize took 9{n} ms'],
      },
    },
  },
  {
    project: 'workers',
    service: 'report-cron',
    image: 'workers/report-cron:1.3.0',
    command: ['supercronic', '/etc/crontab'],
    memoryMib: 384,
    cores: 0,
    workload: {
      memory: { baseBytes: 74 * MIB, warmUpSeconds: 4, noiseBytes: 0.8 * MIB, cacheBytes: 60 * MIB },
      cpu: { cores: 0.03, dailyShare: 0.1, noiseShare: 0.2, burst: { cores: 0.5, everySeconds: 180, seconds: 15 } },
      network: { receiveBytes: 3_000, transmitBytes: 9_000 },
      block: { readBytes: 5_000, writeBytes: 22_000 },
      processes: ['supercronic /etc/crontab'],
      pids: 7,
      onTerm: exitsCleanly,
    },
  },
]
