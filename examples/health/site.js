// Answers until there is the file `hang`: that has one process hang, and takes the file away.
const fs = require("fs");
const http = require("http");

http
  .createServer((request, response) => {
    if (fs.existsSync("hang")) {
      fs.unlinkSync("hang");
      for (;;);
    }
    response.end(`${process.pid}\n`);
  })
  .listen(process.env.PORT);
