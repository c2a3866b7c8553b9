# Asterisk from Debian. Stable Debian has no package of it, hence unstable; pin the day with --build-arg DEBIAN=sid-…-slim
ARG DEBIAN=sid-slim
FROM debian:${DEBIAN}
# The numbers are fixed because volumes keep them: 10002 is asterisk here and in the service's image, which reads what is
# recorded. monitor is as Debian has it: the group may look, others may not.
RUN groupadd --gid 10002 asterisk \
 && useradd --uid 10002 --gid 10002 --no-create-home --home-dir /var/lib/asterisk asterisk \
 && apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends asterisk asterisk-core-sounds-en-gsm asterisk-moh-opsound-gsm \
 && rm -rf /var/lib/apt/lists/* /etc/asterisk/* \
 && install --directory --owner asterisk --group asterisk --mode 0750 /var/spool/asterisk /var/spool/asterisk/monitor /var/spool/asterisk/voicemail /run/asterisk /etc/asterisk \
 && install --directory --owner asterisk --group asterisk --mode 0750 /var/log/asterisk /var/log/asterisk/cdr-csv /var/log/asterisk/cel-custom \
 && cp /usr/share/asterisk/moh/*.gsm /var/lib/asterisk/moh/ \
 && chown -R asterisk:asterisk /var/lib/asterisk /var/spool/asterisk
USER asterisk
WORKDIR /var/lib/asterisk
EXPOSE 5060/udp 10000-10099/udp
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=6 \
    CMD asterisk -rx "core waitfullybooted" | grep -q "fully booted"
CMD ["asterisk", "-f"]
