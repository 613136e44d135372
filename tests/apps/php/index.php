<?php
// The PHP page of the load tests: at once, or after 20 ms at /later. PHP's built-in server runs it.
if ($_SERVER['REQUEST_URI'] === '/later') {
    usleep(20000);
}
$version = getenv('VERSION') ?: 'none';
header('X-Pid: ' . getmypid());
header('Content-Length: ' . strlen($version));
echo $version;
