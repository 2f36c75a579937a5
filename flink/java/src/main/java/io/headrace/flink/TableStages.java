package io.headrace.flink;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.flink.api.dag.Transformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.utils.DataTypeUtils;

/**
 * Our operators between tables.
 *
 * <p>Rows stay in the planner's own form on both sides, so that nothing is converted. The planner does not look through
 * a stage: what stands behind it is planned behind it. A {@code uid} is a stage's name on the dashboard and its
 * identity in savepoints.
 */
public final class TableStages {

    private static final DataType FRAME = DataTypes.ROW(
            DataTypes.FIELD("bucket", DataTypes.INT()), DataTypes.FIELD("frame", DataTypes.BYTES()));

    private TableStages() {}

    /** The rows of a table, behind {@link RememberWatermarkOperator}; `eventTime` is the watermark's column. */
    public static Table rememberWatermark(StreamTableEnvironment tables, Table table, String uid, String eventTime) {
        DataType rows = rowsOf(table);
        DataStream<RowData> stream = behind(tables, table, new RememberWatermarkOperator<>(), uid, rows);
        return tables.fromDataStream(
                stream, schemaOf(rows).watermark(eventTime, "SOURCE_WATERMARK()").build());
    }

    /** (bucket, frame) of a table whose first column is the bucket, by {@link GatherMicroBatchesOperator}. */
    public static Table gather(
            StreamTableEnvironment tables,
            Table table,
            String uid,
            int buckets,
            long maxWaitMs,
            int maxBytes,
            long tickMs) {
        List<LogicalType> types = rowsOf(table).getLogicalType().getChildren();
        List<FieldEncoder> columns = new ArrayList<>();
        for (int position = 1; position < types.size(); position++) {
            columns.add(FieldEncoder.of(types.get(position), position));
        }
        var operator = new GatherMicroBatchesOperator(columns, buckets, maxWaitMs, maxBytes, tickMs);
        return stage(tables, table, operator, uid, FRAME);
    }

    /** The records of a table of one column of frames, by {@link ScatterRecordsOperator}; `records` is their ROW. */
    public static Table scatter(StreamTableEnvironment tables, Table table, String uid, DataType records) {
        return stage(tables, table, scattering(records), uid, records);
    }

    private static ScatterRecordsOperator scattering(DataType records) {
        List<FieldDecoder> columns = new ArrayList<>();
        for (LogicalType type : records.getLogicalType().getChildren()) {
            columns.add(FieldDecoder.of(type));
        }
        return new ScatterRecordsOperator(columns);
    }

    /**
     * As {@link #scatter}, and behind the other columns `over_limit` of {@link LimitSeriesOperator}. Between the two
     * operators is no table: each passage from stream to table and back copies a row twice.
     *
     * @param device the name of the column of a reading's device
     * @param identity that of its identity
     */
    public static Table scatterWithinLimits(
            StreamTableEnvironment tables,
            Table table,
            String uid,
            DataType records,
            String limitUid,
            String device,
            String identity,
            SeriesLimits limits) {
        List<DataTypes.Field> fields = new ArrayList<>(DataType.getFields(records));
        fields.add(DataTypes.FIELD("over_limit", DataTypes.STRING()));
        DataType marked = DataTypeUtils.toInternalDataType(DataTypes.ROW(fields));
        List<String> names = DataType.getFieldNames(records);
        var limiting = new LimitSeriesOperator(names.indexOf(device), names.indexOf(identity), limits);
        DataStream<RowData> scattered =
                behind(tables, table, scattering(records), uid, DataTypeUtils.toInternalDataType(records));
        return tables.fromDataStream(
                behind(scattered, limiting, limitUid, marked), schemaOf(marked).build());
    }

    /**
     * The same table, whose one operator of a kind that the planner chose, for example OverAggregate, has a name and an
     * identity of ours. The planner numbers its operators, and a number changes with what is planned around it.
     *
     * <p>Throws IllegalArgumentException unless there is one.
     */
    public static Table named(StreamTableEnvironment tables, Table table, String kind, String uid) {
        DataType rows = rowsOf(table);
        DataStream<RowData> stream = tables.toDataStream(table, rows);
        List<Transformation<?>> found = stream.getTransformation().getTransitivePredecessors().stream()
                .filter(each -> each.getName().startsWith(kind))
                .distinct()
                .collect(Collectors.toList());
        if (found.size() != 1) {
            throw new IllegalArgumentException(found.size() + " operators of kind " + kind + ", not one");
        }
        found.get(0).setName(uid);
        found.get(0).setUid(uid);
        return tables.fromDataStream(stream, schemaOf(rows).build());
    }

    private static Table stage(
            StreamTableEnvironment tables,
            Table table,
            OneInputStreamOperator<RowData, RowData> operator,
            String uid,
            DataType rows) {
        DataType made = DataTypeUtils.toInternalDataType(rows);
        return tables.fromDataStream(
                behind(tables, table, operator, uid, made), schemaOf(made).build());
    }

    private static DataStream<RowData> behind(
            StreamTableEnvironment tables,
            Table table,
            OneInputStreamOperator<RowData, RowData> operator,
            String uid,
            DataType rows) {
        return behind(tables.toDataStream(table, rowsOf(table)), operator, uid, rows);
    }

    private static DataStream<RowData> behind(
            DataStream<RowData> stream, OneInputStreamOperator<RowData, RowData> operator, String uid, DataType rows) {
        // The parallelism of the stage in front, so that both are one task.
        return stream.transform(uid, InternalTypeInfo.of(rows.getLogicalType()), operator)
                .uid(uid)
                .setParallelism(stream.getParallelism());
    }

    private static DataType rowsOf(Table table) {
        DataType planned = table.getResolvedSchema().toPhysicalRowDataType();
        return DataTypeUtils.toInternalDataType(DataTypeUtils.removeTimeAttribute(planned));
    }

    private static Schema.Builder schemaOf(DataType rows) {
        return Schema.newBuilder().fromRowDataType(rows);
    }
}
