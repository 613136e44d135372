import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/**
 * The Java server of the load tests; see {@code tests/apps/express/server.js} for what it can do.
 */
public final class LoadServer {
    private static final String PID = Long.toString(ProcessHandle.current().pid());
    private static final String VERSION = System.getenv().getOrDefault("VERSION", "none");
    private static final String BEHAVE = System.getenv().getOrDefault("BEHAVE", "");

    private LoadServer() {}

    public static void main(String[] args) throws Exception {
        switch (BEHAVE) {
            case "throw" -> throw new IllegalStateException("a bad release");
            case "deaf" -> Thread.sleep(100_000_000L);
            case "slow" -> Thread.sleep(5_000L);
            default -> { }
        }
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", LoadServer::answer);
        server.setExecutor(Executors.newFixedThreadPool(32));
        server.start();
        System.out.println("listening " + PID);
        if (BEHAVE.equals("crash")) {
            Thread.sleep(500L);
            Runtime.getRuntime().halt(7);
        }
    }

    private static void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            if (exchange.getRequestURI().getPath().equals("/later")) {
                Thread.sleep(20L);
            }
            byte[] body = VERSION.getBytes();
            exchange.getResponseHeaders().set("X-Pid", PID);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
