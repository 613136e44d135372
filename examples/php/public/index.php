<?php
// The front controller: every request comes here.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
header('Content-Type: text/plain');
if ($path === '/up') {
    echo "up\n";
} elseif ($path === '/order') {
    $dir = dirname(__DIR__) . '/' . getenv('QUEUE_DIR');
    // Written beside and then moved: a worker never sees half an order.
    $name = bin2hex(random_bytes(8));
    file_put_contents("$dir/.$name", "order $name\n");
    rename("$dir/.$name", "$dir/$name.job");
    echo "queued order $name\n";
} else {
    echo 'a shop in ', getenv('APP_ENV'), ', from ', getmypid(), "\n";
}
