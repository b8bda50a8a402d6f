console.log("hi", process.argv.slice(2), process.env.ERRAND_SOFT_OPEN_FILES)
