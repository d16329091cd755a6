import { defineConfig } from "vitest/config";

const worker = process.env["SITWITH_DEV_WORKER"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/",
  publicDir: false,
  // The production page runs under `script-src 'self'` and Trusted Types with no policy allowed:
  // nothing may be inlined, injected or evaluated.
  build: {
    outDir: "../../server/sitwith_server/web",
    emptyOutDir: true,
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    sourcemap: false,
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      // The worker lets its own origin in, not the development server's.
      "/ws": { target: worker, ws: true, changeOrigin: true, rewriteWsOrigin: true },
      "/api": { target: worker },
    },
  },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    environment: "node",
  },
});
