"use strict";
// no blank, no comma that is not needed
module.exports={apps:[{name:"tight",script:"a.js",env:{A:1}}]};
// the end
