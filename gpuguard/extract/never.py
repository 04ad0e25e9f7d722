"""Types that start no machine, whatever their attributes mention: policies, parameters, networks, storage, secrets.

By the beginnings of their names. They are by far the most of a plan, and the sweep for unknown types leaves them out: a
policy that forbids ``p5.48xlarge`` or a parameter that holds the name of a machine is no GPU.
"""

NEVER = (
    # providers that run nothing themselves
    "archive_", "auth0_", "cloudflare_", "cloudinit_", "datadog_", "external_", "github_", "gitlab_", "grafana_",
    "http_", "local_", "mysql_", "newrelic_", "null_", "okta_", "opsgenie_", "pagerduty_", "postgresql_", "random_",
    "sentry_", "template_", "terraform_data", "tfe_", "time_", "tls_", "vault_", "azuread_", "googleworkspace_",
    # AWS
    "aws_accessanalyzer_", "aws_account_", "aws_acm", "aws_alb", "aws_ami", "aws_api_gateway", "aws_apigatewayv2_", "aws_athena_",
    "aws_autoscaling_attachment", "aws_autoscaling_lifecycle", "aws_autoscaling_notification",
    "aws_autoscaling_policy", "aws_autoscaling_traffic", "aws_backup_", "aws_budgets_", "aws_ce_", "aws_cloudfront_",
    "aws_cloudtrail", "aws_cloudwatch_", "aws_codeartifact_", "aws_codecommit_", "aws_codepipeline", "aws_cognito_", "aws_config_",
    "aws_customer_gateway", "aws_db_", "aws_dax_", "aws_default_", "aws_dms_", "aws_docdb_", "aws_dx_", "aws_dynamodb_",
    "aws_ebs_", "aws_ecr", "aws_ecs_account", "aws_ecs_cluster", "aws_ecs_tag", "aws_efs_", "aws_egress_",
    "aws_eip", "aws_eks_access", "aws_eks_addon", "aws_eks_identity", "aws_eks_pod_identity", "aws_elasticache_",
    "aws_elasticsearch_", "aws_elb", "aws_flow_log", "aws_fsx_", "aws_globalaccelerator_", "aws_glue_", "aws_guardduty_", "aws_iam_",
    "aws_identitystore_", "aws_imagebuilder_component", "aws_imagebuilder_distribution", "aws_internet_gateway",
    "aws_key_pair", "aws_kinesis", "aws_kms_", "aws_lakeformation_", "aws_lambda_alias", "aws_lambda_event",
    "aws_lambda_function", "aws_lambda_layer", "aws_lambda_permission", "aws_lb", "aws_licensemanager_", "aws_main_route_table",
    "aws_memorydb_", "aws_mq_", "aws_msk_", "aws_mwaa_", "aws_nat_gateway", "aws_neptune_", "aws_network_", "aws_opensearch",
    "aws_organizations_", "aws_placement_group", "aws_ram_", "aws_rds_", "aws_redshift", "aws_route", "aws_s3",
    "aws_scheduler_schedule_group", "aws_secretsmanager_", "aws_security_group", "aws_securityhub_", "aws_service_discovery_",
    "aws_servicequotas_", "aws_ses", "aws_sfn_", "aws_shield_", "aws_sns_", "aws_sqs_", "aws_ssm_", "aws_ssoadmin_",
    "aws_subnet", "aws_transfer_", "aws_volume_attachment", "aws_vpc", "aws_vpn_", "aws_waf",
    # Google Cloud
    "google_access_context", "google_apigee_", "google_artifact_registry_", "google_bigquery_", "google_billing_",
    "google_cloud_asset_", "google_cloud_identity_", "google_cloud_scheduler_", "google_cloud_tasks_", "google_certificate_",
    "google_compute_address", "google_compute_attached_disk", "google_compute_backend", "google_compute_disk",
    "google_compute_external_vpn", "google_compute_firewall", "google_compute_forwarding", "google_compute_global",
    "google_compute_health", "google_compute_http", "google_compute_https", "google_compute_image",
    "google_compute_interconnect", "google_compute_managed_ssl", "google_compute_network", "google_compute_organization",
    "google_compute_project", "google_compute_region_backend", "google_compute_region_disk", "google_compute_region_health",
    "google_compute_region_network", "google_compute_region_ssl", "google_compute_region_target", "google_compute_region_url",
    "google_compute_route", "google_compute_security", "google_compute_service_attachment", "google_compute_shared_vpc",
    "google_compute_snapshot", "google_compute_ssl", "google_compute_subnetwork", "google_compute_target",
    "google_compute_url_map", "google_compute_vpn", "google_data_catalog_", "google_data_fusion_", "google_dns_",
    "google_essential_contacts", "google_eventarc_", "google_filestore_", "google_firebase", "google_firestore_", "google_folder",
    "google_gke_hub_", "google_iam_", "google_iap_", "google_kms_", "google_logging_", "google_memcache_", "google_monitoring_",
    "google_network_", "google_org_policy", "google_organization", "google_privateca_", "google_project", "google_pubsub_",
    "google_redis_", "google_secret_manager_", "google_service_account", "google_service_networking_", "google_service_usage_", "google_sql_",
    "google_storage_", "google_tags_", "google_vpc_access_",
    # Azure
    "azurerm_api_management", "azurerm_app_config", "azurerm_app_service", "azurerm_application_", "azurerm_automation_",
    "azurerm_availability_set", "azurerm_backup_", "azurerm_bastion_", "azurerm_cdn_", "azurerm_consumption_", "azurerm_container_registry",
    "azurerm_cosmosdb_", "azurerm_dev_test_policy", "azurerm_dns_", "azurerm_eventgrid_", "azurerm_eventhub", "azurerm_express_route", "azurerm_federated_",
    "azurerm_firewall", "azurerm_frontdoor", "azurerm_image", "azurerm_key_vault", "azurerm_kubernetes_cluster_extension", "azurerm_kubernetes_flux",
    "azurerm_lb", "azurerm_log_analytics_", "azurerm_logic_app", "azurerm_maintenance_", "azurerm_managed_disk",
    "azurerm_management_group_policy", "azurerm_management_group_subscription", "azurerm_management_lock", "azurerm_mariadb_", "azurerm_monitor_", "azurerm_mssql_", "azurerm_mysql_", "azurerm_nat_gateway",
    "azurerm_network_", "azurerm_policy_", "azurerm_postgresql_", "azurerm_private_", "azurerm_proximity_", "azurerm_public_ip",
    "azurerm_recovery_", "azurerm_redis_", "azurerm_resource_group_cost", "azurerm_resource_group_policy", "azurerm_resource_policy", "azurerm_resource_provider",
    "azurerm_role_", "azurerm_route", "azurerm_security_", "azurerm_servicebus_", "azurerm_shared_image", "azurerm_signalr_",
    "azurerm_snapshot", "azurerm_sql_", "azurerm_ssh_", "azurerm_storage_", "azurerm_subnet", "azurerm_subscription_cost", "azurerm_subscription_policy", "azurerm_traffic_",
    "azurerm_user_assigned_", "azurerm_virtual_desktop_", "azurerm_virtual_hub", "azurerm_virtual_machine_data_disk",
    "azurerm_virtual_network", "azurerm_virtual_wan", "azurerm_vpn_", "azurerm_web_application_",
    # Kubernetes objects that run no pod
    "kubernetes_annotations", "kubernetes_api_", "kubernetes_certificate", "kubernetes_cluster_role", "kubernetes_config_map",
    "kubernetes_csi_", "kubernetes_default_service_account", "kubernetes_endpoint", "kubernetes_env", "kubernetes_ingress",
    "kubernetes_labels", "kubernetes_limit_range", "kubernetes_mutating", "kubernetes_namespace", "kubernetes_network",
    "kubernetes_node_taint", "kubernetes_persistent", "kubernetes_pod_disruption", "kubernetes_priority", "kubernetes_resource_quota",
    "kubernetes_role", "kubernetes_runtime", "kubernetes_secret", "kubernetes_service", "kubernetes_storage", "kubernetes_token",
    "kubernetes_validating",
    # Oracle Cloud
    "oci_apigateway_", "oci_artifacts_", "oci_core_app_catalog", "oci_core_compute_image_capability", "oci_core_drg", "oci_core_image", "oci_core_internet", "oci_core_nat", "oci_core_network",
    "oci_core_public_ip", "oci_core_route", "oci_core_security", "oci_core_service_gateway", "oci_core_shape_management", "oci_core_subnet", "oci_core_vcn", "oci_core_volume",
    "oci_database_", "oci_dns_", "oci_file_storage_", "oci_identity_", "oci_kms_", "oci_limits_", "oci_load_balancer", "oci_logging_",
    "oci_monitoring_", "oci_mysql_", "oci_network_load", "oci_objectstorage_", "oci_ons_", "oci_vault_",
)  # fmt: skip
"""Beginnings of the names, for `str.startswith`."""
