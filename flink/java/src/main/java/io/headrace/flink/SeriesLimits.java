package io.headrace.flink;

import java.io.Serializable;

/** The limits of {@link LimitSeriesOperator}. */
public final class SeriesLimits implements Serializable {

    private static final long serialVersionUID = 1L;

    /** How many limits there are; each is an index of {@link SeriesCensus}. */
    static final int N = 3;

    final int maxSeries;
    final int maxDevices;
    final int maxMetrics;
    final int lifetimeS;
    private final String[] details = new String[N];

    /**
     * Of a whole job: series, devices, metrics of each device.
     *
     * @param lifetimeS seconds for which a silent series counts
     */
    public SeriesLimits(int maxSeries, int maxDevices, int maxMetrics, int lifetimeS) {
        this.maxSeries = maxSeries;
        this.maxDevices = maxDevices;
        this.maxMetrics = maxMetrics;
        this.lifetimeS = lifetimeS;
    }

    /** What a person is told of a reading that each limit keeps out. */
    public SeriesLimits withDetails(String ofSeries, String ofDevices, String ofMetrics) {
        details[SeriesCensus.MAX_SERIES] = ofSeries;
        details[SeriesCensus.MAX_DEVICES] = ofDevices;
        details[SeriesCensus.MAX_METRICS] = ofMetrics;
        return this;
    }

    String detail(int limit) {
        return details[limit];
    }
}
