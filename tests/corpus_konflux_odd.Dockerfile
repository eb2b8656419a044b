# syntax=docker/dockerfile:1
ARG X=1
FROM --platform=linux/amd64 a/b:1 AS builder
RUN <<EOF
FROM a/b:1
COPY --from=c/d:2 / /
EOF
from	c/d:2	as two
RUN --mount=type=bind,from=e/f,target=/x --mount=from=builder,target=/y cat <<-'END' && true
	FROM c/d:2
	END
FROM \
  # why
  --platform=$X \
  ${X} \
  AS three
COPY --chown=1 --from=c/d:2 --link a/b:1 /x
COPY --from=builder /a \

  /b
ADD --from=e/f x y
FROM builder
LABEL from="a/b:1" text='FROM a/b:1'
RUN echo --from=a/b:1 # FROM a/b:1
FROM a/b:1 AS e/f
FROM e/f
FROM a/b:10
FROM a/b:1
